/**
 * Makes the TypeScript types of the wire from the description of the gateway's events:
 * `node scripts/types.mjs` writes them. `make types` makes that description anew first.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile } from 'json-schema-to-typescript';

const DOCUMENT = new URL('../../docs/asyncapi.json', import.meta.url);
export const TYPES = new URL('../src/protocol/generated.ts', import.meta.url);

const BANNER = `/* eslint-disable */
/**
 * The types of all that goes over the wire, for frontends. They are made from docs/asyncapi.json by
 * \`make types\`; do not edit them. The file needs no other: copy it into projects of your own.
 */`;

/** What schemas cannot say: how events, their arguments and acknowledgements go together. */
const EVENTS = `
/** What an event of the client is answered. */
export type Answer<E extends keyof ClientRequests> = ClientAnswers[E] | Refused;

/** What the gateway sends: the first type argument of socket.io-client's \`Socket\`. */
export type ServerToClientEvents = {
  [E in keyof ServerEvents]: (payload: ServerEvents[E]) => void;
} & {
  [E in keyof BackendEvents]: (data: BackendEvents[E], source: EventSource) => void;
};

/** What clients send: the second type argument of socket.io-client's \`Socket\`. */
export type ClientToServerEvents = {
  [E in keyof ClientRequests]: [ClientRequests[E]] extends [undefined]
    ? (ack?: (answer: Answer<E>) => void) => void
    : (payload: ClientRequests[E], ack?: (answer: Answer<E>) => void) => void;
};
`;

/** What the generator says of where a type was found. */
const NOISE = /( \* *\n)? \* This interface was referenced by `Wire`'s JSON-Schema\n \* via the `definition` ".*"\.\n/g;

const pascal = (text) => text.split(/[^A-Za-z0-9]+/).map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('');

/** A schema as the generator takes it. */
function adapted(value) {
  if (Array.isArray(value)) return value.map(adapted);
  if (typeof value !== 'object' || value === null) return value;
  const { 'x-typescript': tsType, ...rest } = value;
  if (tsType) return { tsType, ...(rest.description ? { description: rest.description } : {}) };
  const entries = Object.entries(rest).map(([key, member]) =>
    [key, key === '$ref' ? member.replace('#/components/schemas/', '#/definitions/') : adapted(member)]);
  return Object.fromEntries(entries);
}

const object = (title, description, members) => ({
  title,
  description,
  type: 'object',
  properties: Object.fromEntries(members),
  required: members.map(([name]) => name),
});

/** The events of Socket.IO, as maps from their names. */
function maps(messages) {
  const all = (prefix) => Object.entries(messages).filter(([id]) => id.startsWith(prefix)).map(([, message]) => message);
  const named = (list) => list.map(({ name, summary, payload }) => [name, { description: summary, ...plain(payload) }]);
  const clients = all('client.');
  return {
    ServerEvents: object('ServerEvents', 'What the gateway sends, by the name of the event.', named(all('server.'))),
    BackendEvents: object('BackendEvents', 'What backends say, by the name of the event.', named(all('event.'))),
    ClientRequests: object('ClientRequests', 'What clients send, by the name of the event.', named(clients)),
    ClientAnswers: object('ClientAnswers', 'What clients are answered, by the name of the event.',
      clients.map((client) => [client.name, plain(messages[client['x-ack']].payload)])),
  };
}

/** A payload beside a description of its own; nothing is `undefined`. */
function plain(payload) {
  if (payload === undefined) return { tsType: 'undefined' };
  return payload.$ref ? { allOf: [payload] } : payload;
}

/** The frames of a raw WebSocket protocol, as unions. */
function unions(channel, messages) {
  const union = (prefix, suffix, description) => {
    const frames = Object.entries(messages).filter(([id]) => id.startsWith(prefix));
    const title = `${pascal(channel)}${suffix}`;
    const oneOf = frames.map(([, { name, payload }]) => ({ ...payload, title: `${title}${pascal(name)}` }));
    return [title, { title, description, oneOf }];
  };
  return Object.fromEntries([
    union('server.', 'Told', `What clients of ${channel} are told.`),
    union('client.', 'Asked', `What clients of ${channel} send.`),
  ]);
}

/** The types. @returns {Promise<string>} */
export async function types() {
  const { channels, components } = JSON.parse(await readFile(DOCUMENT, 'utf8'));
  const { socketio, ...raw } = channels;
  const roots = Object.entries(raw).map(([channel, { messages }]) => unions(channel, messages));
  const definitions = adapted({ ...components.schemas, ...Object.assign(maps(socketio.messages), ...roots) });
  const code = await compile({ title: 'Wire', type: 'object', definitions }, 'Wire', {
    additionalProperties: false,
    bannerComment: BANNER,
    format: true,
    style: { singleQuote: true, printWidth: 120 },
    unreachableDefinitions: true,
  });
  return code.replace(/^export interface Wire {}\n/m, '').replace(NOISE, '') + EVENTS;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await writeFile(TYPES, await types());
  console.log(`wrote ${fileURLToPath(TYPES)}`);
}
