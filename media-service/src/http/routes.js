import { CONNECT, CONSUME, CREATE_TRANSPORT, JOIN, PLAIN, PRODUCE } from './schemas.js';

const ROOM = '/rooms/:roomId';
const PEER = `${ROOM}/broadcasters/:peerId`;
const TRANSPORT = `${PEER}/transports/:transportId`;
const PRODUCER = `${PEER}/producers/:producerId`;
const CONSUMER = `${PEER}/consumers/:consumerId`;

/**
 * The API of a Media Service, in the shape of the mediasoup demo's.
 * @param {import('fastify').FastifyInstance} app
 * @param {import('../rooms.js').Rooms} rooms
 */
export function addRoutes(app, rooms) {
  const peerOf = ({ params }) => {
    const peer = rooms.get(params.roomId).peer(params.peerId);
    peer.touch();
    return peer;
  };
  const route = (method, url, schema, handle) => app.route({ method, url, schema, handler: handle });

  route('GET', ROOM, PLAIN, async ({ params }) => rooms.get(params.roomId).router.rtpCapabilities);

  route('POST', `${ROOM}/broadcasters`, JOIN, async ({ params, body }) => (
    { peers: await rooms.join(params.roomId, body) }
  ));

  route('DELETE', PEER, PLAIN, async ({ params }) => {
    rooms.get(params.roomId).remove(params.peerId);
    return {};
  });

  route('POST', `${PEER}/transports`, CREATE_TRANSPORT, async (request) => (
    peerOf(request).createTransport(request.body)
  ));

  route('POST', `${TRANSPORT}/connect`, CONNECT, async (request) => {
    await peerOf(request).connectTransport(request.params.transportId, request.body.dtlsParameters);
    return {};
  });

  route('POST', `${TRANSPORT}/restart-ice`, PLAIN, async (request) => (
    peerOf(request).restartIce(request.params.transportId)
  ));

  route('POST', `${TRANSPORT}/producers`, PRODUCE, async (request) => (
    peerOf(request).produce(request.params.transportId, request.body)
  ));

  route('POST', `${TRANSPORT}/consume`, CONSUME, async (request) => (
    peerOf(request).consume(request.params.transportId, request.query.producerId, request.body.rtpCapabilities)
  ));

  route('POST', `${CONSUMER}/resume`, PLAIN, async (request) => {
    await peerOf(request).resumeConsumer(request.params.consumerId);
    return {};
  });

  route('POST', `${PRODUCER}/pause`, PLAIN, async (request) => {
    await peerOf(request).pauseProducer(request.params.producerId);
    return {};
  });

  route('POST', `${PRODUCER}/resume`, PLAIN, async (request) => {
    await peerOf(request).resumeProducer(request.params.producerId);
    return {};
  });

  route('DELETE', PRODUCER, PLAIN, async (request) => {
    peerOf(request).closeProducer(request.params.producerId);
    return {};
  });
}
