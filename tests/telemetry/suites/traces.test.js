import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { runToExit, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { assertRefused, description, freshCode, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { ChatService } from '../../chat/lib/service.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { roomIdOf } from '../../cluster/lib/peers.js';
import { MediaStub } from '../../sfu/lib/media-stub.js';
import { RoomService } from '../../sfu/lib/room-service.js';
import { GrpcCollector, HttpCollector } from '../lib/collector.js';
import { done } from '../lib/town.js';

const SECRET = 'nobody-may-read-this';

/** A cluster of two nodes that sends traces, and two clients on them in one room. */
async function traced(t, collector, env = {}) {
  const { cluster } = await ownCluster(t, { size: 2, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'calls', ...env } });
  const code = freshCode();
  const [anna, ben] = await party(t, cluster, ['anna', 'ben'], { code, nodes: cluster.nodes });
  return { cluster, code, anna, ben };
}

/** The spans from one to the root of its trace, by their names. */
async function path(collector, span) {
  const names = [span.name];
  for (let at = span; at.parent; names.push(at.name)) {
    const { parent } = at;
    at = await collector.span(({ id }) => id === parent, `the parent of ${at.name}`);
  }
  return names;
}

for (const [protocol, Kind, type] of [
  ['http/protobuf', HttpCollector, 'application/x-protobuf'],
  ['http/json', HttpCollector, 'application/json'],
  ['grpc', GrpcCollector],
]) {
  test(`one trace goes from an event on one node to its delivery on another, over ${protocol}`, async (t) => {
    const collector = await Kind.start(t);
    const { code, anna, ben } = await traced(t, collector, {
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=a%20key',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    await done(anna, 'webrtc:offer', { targetPeerId: ben.peerId, offer: description('offer', { sdp: SECRET }) });
    await ben.event('webrtc:offer');
    const delivered = await collector.span(({ name }) => name === 'send webrtc:offer', 'the delivery');
    assert.equal(delivered.node, 'n2');
    assert.equal(delivered.attributes['messaging.batch.message_count'], '1');
    assert.deepEqual(await path(collector, delivered),
      ['send webrtc:offer', 'process room:{roomId}', 'publish room:{roomId}', 'process webrtc:offer']);
    const [root] = collector.trace(delivered.trace).filter(({ parent }) => parent === '');
    assert.deepEqual([root.node, root.service, root.resource['deployment.environment.name']], ['n1', 'calls', 'test']);
    const publish = collector.trace(delivered.trace).find(({ name }) => name === 'publish room:{roomId}');
    assert.equal(publish.attributes['messaging.destination.name'], roomIdOf(code));
    assert.equal(publish.attributes['messaging.system'], 'redis');
    assert.ok(!JSON.stringify(collector.spans).includes(SECRET));
    assert.ok(collector.headers.every((headers) => headers['x-collector-key'] === 'a key'));
    if (type) assert.deepEqual([...collector.types], [type]);
  });
}

describe('a trace', { concurrency: true }, () => {
  test('of a chat message leads to all who hear it and to the Chat Service, and has no word of it', async (t) => {
    const [collector, chat] = await Promise.all([HttpCollector.start(t), ChatService.start(t)]);
    const { anna, ben } = await traced(t, collector, { CHAT_SERVICE_URL: chat.url });
    await done(anna, 'chat_message', { content: SECRET, clientMessageId: 'first' });
    await ben.event('chat_message');
    const stored = await collector.span(({ name }) => name === 'POST /internal/messages', 'the delivery to the service');
    const spans = () => collector.trace(stored.trace);
    assert.equal(stored.attributes['http.response.status_code'], '201');
    await until(() => spans().filter(({ name }) => name === 'send chat_message').length === 2, 'both nodes have told it');
    await until(() => spans().some(({ name }) => name === 'process chat_message'), 'the root is there');
    const process = spans().find(({ name }) => name === 'process room:{roomId}');
    const publish = spans().find(({ name }) => name === 'publish room:{roomId}');
    assert.deepEqual(process.links, [{ trace: publish.trace, id: publish.id }]);
    assert.ok(spans().filter(({ name }) => name === 'send chat_message').every(({ links }) => links.length === 1), 'what goes to many is linked');
    assert.ok(!JSON.stringify(collector.spans).includes(SECRET));
    assert.equal(chat.deliveries.length, 1);
  });

  test('goes on in what media servers and the Room Service are asked', async (t) => {
    const [collector, rooms, media] = await Promise.all([HttpCollector.start(t), RoomService.start(t), MediaStub.start(t)]);
    const { cluster } = await ownCluster(t, {
      size: 2,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ROOM_SERVICE_URL: rooms.url, MEDIA_SERVICE_URL: media.url },
    });
    const code = rooms.define(freshCode('sfu'), { mode: 'sfu' });
    const [anna] = await party(t, cluster, ['anna'], { code });
    await done(anna, 'sfu_get_router_capabilities');
    const asked = await collector.span(({ name }) => name === 'GET /internal/rooms/{id}', 'the question to the Room Service');
    assert.deepEqual(await path(collector, asked), ['GET /internal/rooms/{id}', 'process join:room']);
    const [{ headers }] = rooms.calls('room');
    assert.equal(headers.traceparent, `00-${asked.trace}-${asked.id}-01`);
    const capabilities = await collector.span(({ name }) => name === 'GET capabilities', 'the question to the media server');
    assert.deepEqual(await path(collector, capabilities), ['GET capabilities', 'process sfu_get_router_capabilities']);
  });

  test('says what was refused, in the logs too', async (t) => {
    const collector = await HttpCollector.start(t);
    const node = await startNode({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, RUST_LOG: 'info,switchboard::websocket=debug' }, new Identity());
    t.after(() => node.kill());
    const raw = await connectRaw(t, node, '/ws');
    raw.send({ type: 'offer', room: 'r', sender: 's', recipient: 'x', payload: description('offer') });
    await raw.frame('error');
    const span = await collector.span(({ name }) => name === 'process webrtc:offer', 'the refused frame');
    assert.deepEqual([span.code, span.attributes['error.type']], [2, 'not_in_room']);
    const lines = node.lines.map((line) => JSON.parse(line)).filter(({ trace_id }) => trace_id === span.trace);
    assert.deepEqual(lines.map(({ message, span_id }) => [message, span_id]), [['frame refused', span.id]]);
  });

  test('is not made if it is not sampled', async (t) => {
    const collector = await HttpCollector.start(t);
    const { anna, ben } = await traced(t, collector, { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0', SHUTDOWN_GRACE_MS: '0' });
    await done(anna, 'webrtc:offer', { targetPeerId: ben.peerId, offer: description('offer') });
    await ben.event('webrtc:offer');
    anna.node.signal('SIGTERM');
    await anna.node.exited();
    assert.equal(collector.requests, 0);
  });

  test('is sent when the node stops, whatever waits', async (t) => {
    const collector = await HttpCollector.start(t);
    const node = await startNode({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, SHUTDOWN_GRACE_MS: '0' }, new Identity());
    t.after(() => node.kill());
    const anna = await connect(t, node);
    await done(anna, 'heartbeat');
    node.signal('SIGTERM');
    await node.exited();
    assert.ok(collector.spans.some(({ name }) => name === 'process heartbeat'));
  });

  test('holds up nobody while the collector does not answer, or is away', async (t) => {
    const collector = await HttpCollector.start(t);
    collector.silent = true;
    for (const [OTEL_EXPORTER_OTLP_ENDPOINT, rounds] of [[collector.url, 10], ['http://127.0.0.1:9', 1]]) {
      const node = await startNode({ OTEL_EXPORTER_OTLP_ENDPOINT, SHUTDOWN_GRACE_MS: '0' }, new Identity());
      t.after(() => node.kill());
      const anna = await connect(t, node);
      // Ten are more than the queue holds.
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all(Array.from({ length: 500 }, () => done(anna, 'heartbeat')));
      }
      node.signal('SIGTERM');
      assert.deepEqual(await node.exited(), { code: 0, signal: null });
    }
    assert.ok(collector.requests > 0);
  });
});

test('a wrong configuration of traces is refused, all mistakes at once and no secret quoted', async () => {
  const { code, stderr } = await runToExit({
    DEV: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${SECRET}@collector:4318`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/xml',
    OTEL_EXPORTER_OTLP_HEADERS: `${SECRET}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
    OTEL_RESOURCE_ATTRIBUTES: 'no-value',
    OTEL_TRACES_SAMPLER: 'some',
    OTEL_TRACES_SAMPLER_ARG: '2',
  });
  assert.equal(code, 64);
  for (const name of ['ENDPOINT', 'PROTOCOL', 'HEADERS', 'TIMEOUT'].map((name) => `OTEL_EXPORTER_OTLP_${name}`)) assert.match(stderr, new RegExp(name));
  for (const name of ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_TRACES_SAMPLER: must', 'OTEL_TRACES_SAMPLER_ARG']) assert.match(stderr, new RegExp(name));
  assert.ok(!stderr.includes(SECRET));
});

test('nothing is sent, and nothing is said of traces, without a collector', async (t) => {
  const node = await startNode({}, new Identity());
  t.after(() => node.kill());
  const anna = await connect(t, node);
  assertRefused(await anna.ask('webrtc:offer', { targetPeerId: 'x', offer: description('offer') }), 'NOT_IN_ROOM');
  assert.ok(!node.log.includes('trace_id'));
});
