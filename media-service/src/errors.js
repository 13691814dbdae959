/**
 * A refusal as the caller sees it: `{code, message}` with an HTTP status. The codes are stable,
 * the messages are for people.
 */
export class ServiceError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.name = 'ServiceError';
    this.status = status;
    this.code = code;
  }
}

const notFound = (code, message) => new ServiceError(404, code, message);
const conflict = (code, message) => new ServiceError(409, code, message);
const unavailable = (code, message) => new ServiceError(503, code, message);

export const invalidInput = (message) => new ServiceError(400, 'INVALID_INPUT', message);
export const roomNotFound = () => notFound('ROOM_NOT_FOUND', 'there is no such room');
export const peerNotFound = () => notFound('PEER_NOT_FOUND', 'there is no such peer in the room');
export const transportNotFound = () => notFound('TRANSPORT_NOT_FOUND', 'the peer has no such transport');
export const producerNotFound = () => notFound('PRODUCER_NOT_FOUND', 'there is no such producer');
export const consumerNotFound = () => notFound('CONSUMER_NOT_FOUND', 'the peer has no such consumer');
export const peerExists = () => conflict('PEER_EXISTS', 'the room has a peer of that id already');
export const transportConnected = () =>
  conflict('TRANSPORT_CONNECTED', 'the transport is connected already');
export const cannotConsume = () =>
  conflict('CANNOT_CONSUME', 'the rtpCapabilities do not allow to consume this producer');
export const mediaConflict = () =>
  conflict('MEDIA_CONFLICT', 'rtpParameters: the mid, an ssrc or a rid is in use on the transport');
export const limitReached = (what, limit) => conflict('LIMIT_REACHED', `at most ${limit} ${what}`);
export const draining = () => unavailable('DRAINING', 'the service is shutting down');
export const noWorker = () => unavailable('NO_WORKER', 'no media worker lives');
export const workerLost = () => unavailable('WORKER_LOST', 'the media worker of the room is gone');
export const transportRefused = () =>
  unavailable('TRANSPORT_REFUSED', 'the media worker has no port for another transport');
