import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { DTLS, opus, vp8Simulcast } from './lib/rtp.js';
import { Service } from './lib/service.js';
import { within } from './lib/wait.js';

const service = await Service.start({ MAX_BODY_BYTES: '40000' });
after(() => service.stop());

let peer;
let transport;
before(async () => {
  peer = await Peer.join(service);
  transport = await peer.transport('send');
});

/** A copy of `object` with one value set, or taken away where that is undefined. */
function changed(object, path, value) {
  const copy = structuredClone(object);
  const steps = path.split('.');
  const last = steps.pop();
  const parent = steps.reduce((at, step) => at[step], copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

const capabilities = {
  codecs: [{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 100 }],
  headerExtensions: [{ kind: 'audio', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1 }],
};
const join = { id: 'x', displayName: 'X', device: {}, rtpCapabilities: capabilities };
const create = { type: 'webrtc', direction: 'send', sctpCapabilities: { numStreams: { OS: 1024, MIS: 1024 } } };
const dtls = { dtlsParameters: DTLS };

/** Body, what is changed in it, and the field that the answer names. */
const BAD = {
  broadcasters: [
    [join, 'id', undefined, 'id: is required'],
    [join, 'id', '', 'id'],
    [join, 'id', 7, 'id'],
    [join, 'id', 'x'.repeat(257), 'id'],
    [join, 'displayName', {}, 'displayName'],
    [join, 'device', 1, 'device'],
    [join, 'rtpCapabilities', 'vp8', 'rtpCapabilities'],
    [join, 'rtpCapabilities.codecs', undefined, 'rtpCapabilities.codecs: is required'],
    [join, 'rtpCapabilities.codecs', new Array(257).fill({}), 'rtpCapabilities.codecs'],
    [join, 'rtpCapabilities.codecs.0.mimeType', 'opus', 'rtpCapabilities.codecs[0].mimeType'],
    [join, 'rtpCapabilities.codecs.0.clockRate', '48000', 'rtpCapabilities.codecs[0].clockRate'],
    [join, 'rtpCapabilities.codecs.0.preferredPayloadType', 128, 'rtpCapabilities.codecs[0].preferredPayloadType'],
    [join, 'rtpCapabilities.headerExtensions.0.uri', undefined, 'rtpCapabilities.headerExtensions[0].uri: is required'],
    [join, 'rtpCapabilities.headerExtensions.0.kind', 'text', 'rtpCapabilities.headerExtensions[0].kind: must be one of audio, video'],
  ],
  transports: [
    [create, 'type', undefined, 'type: is required'],
    [create, 'type', 'plain', 'type: must be webrtc'],
    [create, 'direction', undefined, 'direction: is required'],
    [create, 'direction', 'both', 'direction: must be one of send, recv'],
    [create, 'sctpCapabilities', true, 'sctpCapabilities'],
    [create, 'sctpCapabilities.numStreams.OS', undefined, 'sctpCapabilities.numStreams.OS: is required'],
    [create, 'sctpCapabilities.numStreams.MIS', 70_000, 'sctpCapabilities.numStreams.MIS'],
  ],
  connect: [
    [dtls, 'dtlsParameters', undefined, 'dtlsParameters: is required'],
    [dtls, 'dtlsParameters', null, 'dtlsParameters'],
    [dtls, 'dtlsParameters.role', 'master', 'dtlsParameters.role'],
    [dtls, 'dtlsParameters.fingerprints', [], 'dtlsParameters.fingerprints'],
    [dtls, 'dtlsParameters.fingerprints.0.algorithm', 'md5', 'dtlsParameters.fingerprints[0].algorithm'],
    [dtls, 'dtlsParameters.fingerprints.0.value', 'xyz', 'dtlsParameters.fingerprints[0].value'],
  ],
  producers: [
    [opus(), 'kind', undefined, 'kind: is required'],
    [opus(), 'kind', 'text', 'kind: must be one of audio, video'],
    [opus(), 'rtpParameters', undefined, 'rtpParameters: is required'],
    [opus(), 'rtpParameters.mid', 0, 'rtpParameters.mid'],
    [opus(), 'rtpParameters.codecs', [], 'rtpParameters.codecs'],
    [opus(), 'rtpParameters.codecs.0.payloadType', undefined, 'rtpParameters.codecs[0].payloadType: is required'],
    [opus(), 'rtpParameters.codecs.0.payloadType', -1, 'rtpParameters.codecs[0].payloadType'],
    [opus(), 'rtpParameters.codecs.0.parameters.usedtx', [], 'rtpParameters.codecs[0].parameters.usedtx'],
    [opus(), 'rtpParameters.codecs.0.rtcpFeedback.0', 'nack', 'rtpParameters.codecs[0].rtcpFeedback[0]'],
    [opus(), 'rtpParameters.headerExtensions.1.id', 0, 'rtpParameters.headerExtensions[1].id'],
    [opus(), 'rtpParameters.encodings.0.ssrc', 2 ** 32, 'rtpParameters.encodings[0].ssrc'],
    [opus(), 'rtpParameters.encodings.0.rtx', {}, 'rtpParameters.encodings[0].rtx.ssrc: is required'],
    [opus(), 'rtpParameters.rtcp.cname', 1, 'rtpParameters.rtcp.cname'],
    [vp8Simulcast(), 'rtpParameters.encodings.2.rid', 'r'.repeat(33), 'rtpParameters.encodings[2].rid'],
    [vp8Simulcast(), 'rtpParameters.encodings', new Array(17).fill({}), 'rtpParameters.encodings'],
    [opus(), 'appData', 'camera', 'appData'],
  ],
  'consume?producerId=p': [
    [{ rtpCapabilities: capabilities }, 'rtpCapabilities.codecs.0', null, 'rtpCapabilities.codecs[0]'],
  ],
};

describe('input that is not right is refused, and the field named', () => {
  const pathOf = (route) => {
    if (route === 'broadcasters') return `${peer.roomPath}/broadcasters`;
    return route === 'transports' ? `${peer.path}/transports` : `${peer.path}/transports/${transport.id}/${route}`;
  };
  for (const [route, table] of Object.entries(BAD)) {
    for (const [body, path, value, field] of table) {
      test(`${route}: ${path} ${value === undefined ? 'is missing' : JSON.stringify(value).slice(0, 40)}`, async () => {
        const answer = await service.request('POST', pathOf(route), changed(body, path, value));
        assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_INPUT'], JSON.stringify(answer.body));
        assert.ok(answer.body.message.startsWith(field), answer.body.message);
      });
    }
    for (const body of ['null', '[]', '"text"', '7']) {
      test(`${route}: a body that is ${body}`, () => (
        assertRefused(service, ['POST', pathOf(route), body], 400, 'INVALID_INPUT', /^body: must be object$/)
      ));
    }
  }

  test('consume without a producerId', () => (
    assertRefused(service, ['POST', pathOf('consume'), {}], 400, 'INVALID_INPUT', /^producerId: is required$/)
  ));
});

test('nothing of what was refused has had an effect', async () => {
  const other = await Peer.join(service, peer.room, 'other');
  assert.deepEqual(other.others, [{ id: peer.id, producers: [] }]);
  assert.ok(await peer.produce(transport, opus()));
});

describe('what is not JSON is refused', () => {
  for (const body of ['{', '{"type":"webrtc",}', 'type=webrtc', '{"type":"webrtc"}}', '\u0000']) {
    test(JSON.stringify(body), () => (
      assertRefused(service, ['POST', `${peer.path}/transports`, body], 400, 'MALFORMED_JSON')
    ));
  }

  test('a body that would poison prototypes', () => (
    assertRefused(service, ['POST', `${peer.path}/transports`, '{"__proto__":{"type":"webrtc"}}'], 400, 'MALFORMED_JSON')
  ));

  test('another content type', async () => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await service.request('POST', `${peer.path}/transports`, '{}', headers);
    assert.deepEqual([answer.status, answer.body.code], [415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test('no body at all', () => (
    assertRefused(service, ['POST', `${peer.path}/transports`, ''], 400, 'INVALID_INPUT', /^body: must be object$/)
  ));
});

test('a body above MAX_BODY_BYTES is refused, and one below it is not', async () => {
  const body = { ...opus('7'), appData: { text: 'x'.repeat(40_000) } };
  const path = `${peer.path}/transports/${transport.id}/producers`;
  await assertRefused(service, ['POST', path, body], 413, 'BODY_TOO_LARGE');
  const small = { ...opus('7'), appData: { text: 'x'.repeat(35_000) } };
  small.rtpParameters.encodings[0].ssrc = 77;
  assert.ok((await service.call('POST', path, small)).id);
});

test('a body without an announced end is cut off', async () => {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`POST ${peer.path}/transports HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
    + 'transfer-encoding: chunked\r\n\r\n');
  const push = () => {
    while (socket.writable && socket.write(`3e8\r\n${'x'.repeat(1000)}\r\n`));
  };
  socket.on('drain', push);
  push();
  await within(closed, 'the end of the connection').finally(() => socket.destroy());
  assert.equal((await service.request('GET', '/livez')).status, 200);
});

describe('paths', () => {
  for (const [method, path] of [
    ['GET', '/'], ['GET', '/rooms'], ['GET', '/rooms/'], ['DELETE', '/rooms/x'], ['PUT', '/rooms/x'], ['POST', '/livez'],
    ['GET', '/rooms/x/broadcasters'], ['POST', '/rooms/x/broadcasters/y/transports/z/none'], ['GET', '/ROOMS/x'],
  ]) {
    test(`${method} ${path} is no route or names nothing`, async () => {
      const answer = await service.request(method, path);
      assert.ok([400, 404].includes(answer.status), `${answer.status}`);
      assert.match(answer.body.code, /^(ROUTE_NOT_FOUND|INVALID_INPUT)$/);
    });
  }

  test('ids have a greatest length', async () => {
    await assertRefused(service, ['GET', `/rooms/${'x'.repeat(256)}`], 404, 'ROOM_NOT_FOUND');
    await assertRefused(service, ['GET', `/rooms/${'%F0%9F%98%80'.repeat(128)}`], 404, 'ROOM_NOT_FOUND');
    await assertRefused(service, ['GET', `/rooms/${'x'.repeat(257)}`], 400, 'INVALID_INPUT', /^roomId/);
    await assertRefused(service, ['GET', `/rooms/${'x'.repeat(8000)}`], 400, 'INVALID_INPUT');
  });

  test('what cannot be decoded is refused', async () => {
    await assertRefused(service, ['GET', '/rooms/%zz'], 400, 'INVALID_INPUT');
    await assertRefused(service, ['GET', '/rooms/%ff'], 400, 'INVALID_INPUT');
  });
});

describe('what is not HTTP', () => {
  const send = async (bytes) => {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.end(bytes);
    const chunks = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  test('gets a refusal in JSON', async () => {
    const answer = await within(send('garbage\r\n\r\n'), 'the answer');
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]).code, 'BAD_REQUEST');
  });

  test('headers without end get one as well', async () => {
    const answer = await within(send(`GET /livez HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`), 'the answer');
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });
});
