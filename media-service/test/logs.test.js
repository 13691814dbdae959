import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pair } from './lib/peer.js';
import { DTLS, opus } from './lib/rtp.js';
import { Service } from './lib/service.js';
import { until } from './lib/wait.js';

async function started(t, settings) {
  const service = await Service.start(settings);
  t.after(() => service.stop());
  return service;
}
const lineOf = (service, id) => until(
  () => service.logged('request').find(({ requestId }) => requestId === id), `request ${id} is logged`,
);

test('a request id is taken over, echoed and logged, with the trace it belongs to', async (t) => {
  const service = await started(t);
  const headers = {
    'x-request-id': 'gateway-1/42',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  const answer = await service.request('GET', '/rooms/none', undefined, headers);
  assert.equal(answer.headers.get('x-request-id'), 'gateway-1/42');
  const line = await lineOf(service, 'gateway-1/42');
  assert.deepEqual(
    [line.level, line.method, line.route, line.roomId, line.status, line.code, line.traceId],
    ['info', 'GET', '/rooms/:roomId', 'none', 404, 'ROOM_NOT_FOUND', '0af7651916cd43dd8448eb211c80319c'],
  );
});

test('a request without an id, or with a strange one, gets one', async (t) => {
  const service = await started(t);
  for (const given of ['', 'x'.repeat(129), 'a b', '{"a":1}']) {
    const answer = await service.request('GET', '/rooms/none', undefined, given && { 'x-request-id': given });
    const id = answer.headers.get('x-request-id');
    assert.match(id, /^[0-9a-f-]{36}$/);
    await lineOf(service, id);
  }
});

test('refusals before any route carry a request id too', async (t) => {
  const service = await started(t);
  for (const path of ['/none', '/rooms/%zz', `/rooms/${'x'.repeat(8000)}`]) {
    const answer = await service.request('GET', path, undefined, { 'x-request-id': 'me' });
    assert.equal(answer.headers.get('x-request-id'), 'me', path);
  }
});

test('health checks are logged at debug, other requests at info', async (t) => {
  for (const [level, routes] of [['info', ['/rooms/:roomId']], ['debug', ['/livez', '/rooms/:roomId']]]) {
    const service = await started(t, { LOG_LEVEL: level });
    await service.request('GET', '/livez');
    await service.request('GET', '/rooms/none', undefined, { 'x-request-id': 'last' });
    await lineOf(service, 'last');
    assert.deepEqual(service.logged('request').map(({ route }) => route), routes);
  }
});

describe('a log that nobody reads any more', () => {
  const deaf = async () => {
    const service = await Service.start();
    service.child.stdout.destroy();
    return service;
  };

  test('leaves the service serving', async () => {
    const service = await deaf();
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await service.request('GET', '/rooms/none')).status, 404);
    }
    assert.deepEqual(await service.stop(), { code: 0, signal: null });
  });

  test('does not keep it from ending', async () => {
    assert.deepEqual(await (await deaf()).stop(), { code: 0, signal: null });
  });
});

test('no address, secret, fingerprint or parameter of media gets into the log', async (t) => {
  const service = await started(t, { LOG_LEVEL: 'trace' });
  const { sender, receiver, producer } = await pair(service, opus());
  await receiver.consume(receiver.receiving, producer);
  await sender.connect(sender.sending);
  await service.request('POST', `${sender.path}/transports/${sender.sending.id}/producers`, opus());
  await service.request('POST', `${sender.path}/transports/${sender.sending.id}/producers`, { ...opus(), kind: 'video' });
  await service.request('POST', `${sender.path}/transports`, '{"sdp": "v=0');
  await sender.leave();
  await receiver.leave();
  await until(() => service.logged('room closed').length === 1, 'all is logged');
  await service.stop();
  const log = JSON.stringify(service.log) + service.stderr;
  const secrets = [sender.sending, receiver.receiving].flatMap(({ iceParameters, iceCandidates, dtlsParameters }) => [
    iceParameters.usernameFragment, iceParameters.password, ...dtlsParameters.fingerprints.map(({ value }) => value),
    ...iceCandidates.map(({ port }) => `"port":${port}`), ...iceCandidates.map(({ foundation }) => foundation),
  ]);
  const { rtpParameters } = opus();
  secrets.push(DTLS.fingerprints[0].value, rtpParameters.rtcp.cname, `${rtpParameters.encodings[0].ssrc}`, 'opus', 'v=0');
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
});
