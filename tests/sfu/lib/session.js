import assert from 'node:assert/strict';
import { CLIENT_DTLS, ROUTER_CAPABILITIES, rtpParameters } from './parameters.js';

/** @typedef {import('../../clients/lib/client.js').Client} Client */

/** Asks, and checks that it went well. @param {Client} client @param {string} event @param {...any} args */
export async function ok(client, event, ...args) {
  const answer = await client.ask(event, ...args);
  assert.equal(answer?.status, 'ok', `${event} of ${client.username}: ${JSON.stringify(answer)}`);
  return answer;
}

/** @param {Client} client @param {'send' | 'recv'} direction @returns {Promise<string>} its id */
export async function openTransport(client, direction) {
  const { id } = await ok(client, 'sfu_create_transport', { direction });
  await ok(client, 'sfu_connect_transport', { transportId: id, dtlsParameters: CLIENT_DTLS });
  return id;
}

/** @param {Client} client @param {string} transportId @param {'audio' | 'video'} [kind] @param {object} [appData] @returns {Promise<string>} its id */
export async function produce(client, transportId, kind = 'audio', appData = undefined) {
  const { id } = await ok(client, 'sfu_produce', { transportId, kind, rtpParameters: rtpParameters(kind), ...(appData ? { appData } : {}) });
  return id;
}

/** @param {Client} client @param {string} transportId @param {string} producerId @returns {Promise<string>} its id */
export async function consume(client, transportId, producerId) {
  const { id } = await ok(client, 'sfu_consume', { transportId, producerId, rtpCapabilities: ROUTER_CAPABILITIES });
  return id;
}

/** A client that sends: its transport and a producer of each kind. @param {Client} client @param {...('audio' | 'video')} kinds */
export async function publish(client, ...kinds) {
  const transportId = await openTransport(client, 'send');
  const producerIds = [];
  for (const kind of kinds.length ? kinds : ['audio']) producerIds.push(await produce(client, transportId, kind));
  return { transportId, producerIds, producerId: producerIds[0] };
}

/** A client that receives. @param {Client} client @param {...string} producerIds */
export async function subscribe(client, ...producerIds) {
  const transportId = await openTransport(client, 'recv');
  const consumerIds = [];
  for (const producerId of producerIds) {
    consumerIds.push(await consume(client, transportId, producerId));
    await ok(client, 'sfu_resume_consumer', { consumerId: consumerIds.at(-1) });
  }
  return { transportId, consumerIds, consumerId: consumerIds[0] };
}

/** Producers of the others, as a client is told when it asks. @param {Client} client */
export const producersSeenBy = async (client) => (await ok(client, 'sfu_get_producers')).producers;

/** Every change of mode that a client was told. @param {Client} client @param {number} [mark] */
export const modesSeenBy = (client, mark) =>
  client.recorder.all('room:mode', mark).map(({ mode, reason }) => ({ mode, reason }));

/** Waits for a change of mode. @param {Client} client @param {string} reason @param {number} [mark] */
export const modeChanged = (client, reason, mark) => client.event('room:mode', (told) => told.reason === reason, mark);

export const UNAVAILABLE = { status: 'error', code: 'MEDIA_UNAVAILABLE', message: 'Media Server Unavailable', retryable: true };

/** Asks, and checks that there is no Media Service for it. @param {Client} client @param {string} event @param {...any} args */
export async function unavailable(client, event, ...args) {
  assert.deepEqual(await client.ask(event, ...args), UNAVAILABLE, `${event} of ${client.username}`);
}
