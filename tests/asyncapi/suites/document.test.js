import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { Parser } from '@asyncapi/parser';
import { ALLOWED_ORIGIN, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';

const CHANNELS = JSON.stringify([
  { name: 'orders', types: ['order paid', 'order_paid'], audience: { topic: 'order:{id}' } },
  { name: 'leaderboard:updates', types: ['leaderboard_update'], audience: 'subscribers' },
]);
const KEPT = new URL('../../../docs/asyncapi.json', import.meta.url);

const identity = new Identity();
const usual = await startNode({}, identity);
const other = await startNode({ EVENT_CHANNELS: CHANNELS, REQUIRE_ORIGIN: 'true' }, identity);
after(() => Promise.all([usual.kill(), other.kill()]));

const parser = new Parser();
const [ERROR, WARNING] = [0, 1];

/** What the parser finds wrong. @param {string} text */
async function faults(text) {
  const { document, diagnostics } = await parser.parse(text);
  const bad = diagnostics.filter(({ severity }) => severity === ERROR || severity === WARNING);
  return { document, bad: bad.map(({ message, path }) => `${path.join('/')}: ${message}`) };
}

describe('the description of all events', () => {
  test('is valid AsyncAPI, and the one that is kept in the docs', async () => {
    const { text } = await usual.http('/asyncapi.json');
    const { document, bad } = await faults(text);
    assert.deepEqual(bad, []);
    assert.equal(document.version(), '3.0.0');
    assert.deepEqual(document.channels().all().map((channel) => channel.address()).sort(), ['/signal/{roomId}', '/socket.io/', '/ws']);
    const joining = document.operations().get('client.join_room');
    assert.equal(joining.action(), 'receive');
    assert.deepEqual(joining.reply().messages().all().map((message) => message.id()), ['ack.join_room', 'ack.refused']);
    assert.deepEqual(JSON.parse(text), JSON.parse(await readFile(KEPT, 'utf8')));
  });

  test('has the channels that are configured', async () => {
    const { text } = await other.http('/asyncapi.json');
    const { document, bad } = await faults(text);
    assert.deepEqual(bad, []);
    const names = document.allMessages().all().map((message) => message.name());
    assert.ok(['order paid', 'order_paid', 'match_started'].every((name) => names.includes(name)));
  });

  test('would not be valid with a mistake in it', async () => {
    const { text } = await usual.http('/asyncapi.json');
    for (const spoil of [
      (broken) => { delete broken.channels.ws; },
      (broken) => { broken.operations['client.join_room'].action = 'shout'; },
      (broken) => { broken.components.schemas.ChatMessage.type = 'text'; },
    ]) {
      const broken = JSON.parse(text);
      spoil(broken);
      assert.notDeepEqual((await faults(JSON.stringify(broken))).bad, []);
    }
  });
});

describe('GET /asyncapi.json', () => {
  test('is told what it is and how long it is good', async () => {
    const { status, headers, text } = await usual.http('/asyncapi.json');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/vnd.aai.asyncapi+json;version=3.0.0');
    assert.equal(headers['cache-control'], 'public, max-age=300');
    assert.match(headers.etag, /^"[\w-]{20,}"$/);
    assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
  });

  test('is not sent again to whoever has it', async () => {
    const { headers: { etag } } = await usual.http('/asyncapi.json');
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, headers, text } = await usual.http('/asyncapi.json', { headers: { 'if-none-match': known } });
      assert.deepEqual([status, text, headers.etag], [304, '', etag], known);
    }
    const { status } = await other.http('/asyncapi.json', { headers: { 'if-none-match': etag } });
    assert.equal(status, 200, 'another configuration has another');
  });

  test('is for everybody, but not for pages of other sites', async () => {
    const asked = async (gateway, headers) => (await gateway.http('/asyncapi.json', { headers })).status;
    assert.equal(await asked(other, {}), 200, 'tools have no origin');
    assert.equal(await asked(usual, { origin: ALLOWED_ORIGIN }), 200);
    assert.equal(await asked(usual, { origin: 'https://evil.example' }), 403);
    assert.equal((await usual.http('/asyncapi.json', { method: 'POST' })).status, 405);
  });
});
