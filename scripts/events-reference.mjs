#!/usr/bin/env node
/**
 * Makes docs/events.md, the reference of all events, from docs/asyncapi.json: `node scripts/events-reference.mjs`
 * writes it, as does `make types`. The tests of deployment and documentation fail while it is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const DOCUMENT = new URL('../docs/asyncapi.json', import.meta.url);
export const PAGE = new URL('../docs/events.md', import.meta.url);

const HEAD = `<!-- Made from asyncapi.json by scripts/events-reference.mjs: do not edit. -->
# Events

All events with their payloads. The same is served by every gateway at \`GET /asyncapi.json\`, and there are
[TypeScript types](asyncapi.md#typescript) of it. How to connect and what to do with them is in
[Connect your frontend](frontend.md).

A \`?\` marks what may be missing. Objects may get more members in later versions: ignore those that you do not know.
`;

const SOCKETIO = `Every event takes an acknowledgement: \`{status: "ok", …}\` with what is listed, or
\`{status: "error", code, message, retryable}\`. Without one, errors come as the event \`error\`.
`;

const nameOf = (ref) => ref.split('/').at(-1);
const anchor = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
const inTable = (text) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Writes a schema as a type, in the words of a reader. */
class Types {
  /** Those that are named, each to get a section. @type {Set<string>} */
  used = new Set();

  constructor(schemas) {
    this.schemas = schemas;
  }

  /** @returns {string} a type, as Markdown in which `|` is not escaped */
  of(schema) {
    if (schema === undefined || schema === true) return 'any';
    if (schema.$ref) return this.named(nameOf(schema.$ref));
    if (schema['x-typescript']) return schema['x-typescript'] === 'any' ? 'any' : `\`${schema['x-typescript']}\``;
    if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
    if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' | ');
    const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
    if (choices && !schema.properties) return [...new Set(choices.map((choice) => this.of(choice)))].join(' | ');
    const kinds = [schema.type ?? 'any'].flat();
    return kinds.map((kind) => this.plain(kind, schema)).join(' | ');
  }

  plain(kind, schema) {
    if (kind === 'array') return `array of ${this.of(schema.items)}`;
    if (kind === 'object' && schema.properties) {
      const required = new Set(schema.required ?? []);
      const members = Object.entries(schema.properties).map(([name, member]) =>
        `${name}${required.has(name) ? '' : '?'}: ${this.of(member)}`);
      return `{${members.join(', ')}}`;
    }
    return kind;
  }

  named(name) {
    // What has one form alone is said where it is used.
    const schema = this.schemas[name];
    if (schema.enum || schema.const !== undefined || schema['x-typescript']) return this.of(schema);
    if (schema.oneOf?.every((choice) => choice.const !== undefined)) return this.of({ enum: schema.oneOf.map((choice) => choice.const) });
    this.used.add(name);
    return `[${name}](#${anchor(name)})`;
  }

  /** A table of the members of an object, or its type if it is none. */
  table(schema) {
    const object = schema?.$ref ? this.schemas[nameOf(schema.$ref)] : schema;
    if (object === undefined) return 'No payload.\n';
    if (!object.properties) return object.type === 'object' ? 'An empty object.\n' : `${capital(this.of(object))}\n`;
    const required = new Set(object.required ?? []);
    const rows = Object.entries(object.properties).map(([name, member]) => {
      const description = member.description ?? (member.$ref ? this.schemas[nameOf(member.$ref)].description : undefined);
      return `| \`${name}\`${required.has(name) ? '' : ' ?'} | ${inTable(this.of(member))} | ${inTable(limits(member) ? `${description ?? ''} ${limits(member)}` : description ?? '')} |`;
    });
    return rows.length === 0 ? 'An empty object.\n' : ['| member | type | |', '|---|---|---|', ...rows, ''].join('\n');
  }
}

/** The bounds of a text or number, in words. */
function limits({ minLength, maxLength, minimum, maximum, maxItems }) {
  const span = (low, high, unit) => (high === undefined ? '' : `(${low ? `${low} to ${high}` : `up to ${high}`}${unit})`);
  return span(minLength, maxLength, ' characters') || span(minimum, maximum, '') || span(0, maxItems, ' entries');
}

function socketio({ messages }, types) {
  const all = (prefix) => Object.entries(messages).filter(([id]) => id.startsWith(prefix)).map(([, message]) => message);
  const lines = ['## Socket.IO', '', SOCKETIO, '### What clients send', ''];
  for (const message of all('client.')) {
    const ack = messages[message['x-ack']];
    const alias = [message['x-alias'] ?? []].flat().map((name) => `\`${name}\``).join(', ');
    lines.push(`#### \`${message.name}\``, '', `${message.summary}${alias ? ` Also: ${alias}.` : ''}`, '', types.table(message.payload));
    lines.push(`Acknowledgement: ${types.of(ack.payload)}`, '');
  }
  lines.push('### What clients get', '');
  for (const message of all('server.')) {
    lines.push(`#### \`${message.name}\``, '', message.summary, '', types.table(message.payload));
  }
  lines.push('### What backends say', '',
    'The first argument is as below, the second says where it was said: {channel, id?, serverId, timestamp, …}. Channels and how to',
    'add your own are in [Backend events](backend-events.md).', '');
  lines.push('| event | said on | data |', '|---|---|---|');
  for (const message of all('event.')) lines.push(`| \`${message.name}\` | \`${message['x-channel'] ?? ''}\` | ${inTable(types.of(message.payload))} |`);
  lines.push('');
  return lines;
}

function raw({ title, description, messages }, types) {
  const lines = [`## ${title}`, '', `${description} [Raw WebSocket clients](raw-websocket.md) tells more.`, ''];
  for (const [prefix, heading] of [['client.', 'sends'], ['server.', 'gets']]) {
    lines.push(`| a client ${heading} | frame | |`, '|---|---|---|');
    for (const [id, message] of Object.entries(messages)) {
      if (id.startsWith(prefix)) lines.push(`| \`${message.name}\` | ${inTable(types.of(message.payload))} | ${inTable(message.summary ?? '')} |`);
    }
    lines.push('');
  }
  return lines;
}

/** The whole page. @param {Record<string, any>} document */
export function page({ channels, components }) {
  const types = new Types(components.schemas);
  const lines = [HEAD, ...socketio(channels.socketio, types), ...raw(channels.signal, types), ...raw(channels.ws, types), '## Types', ''];
  // What a type names is named by it: until there is nothing new.
  const told = new Map();
  for (let size = -1; size !== types.used.size;) {
    size = types.used.size;
    for (const name of [...types.used].filter((used) => !told.has(used))) {
      const schema = components.schemas[name];
      told.set(name, [`### ${name}`, '', ...(schema.description ? [schema.description, ''] : []), types.table(schema)]);
    }
  }
  const sections = [...told].sort(([one], [other]) => (one < other ? -1 : 1)).flatMap(([, section]) => section);
  return `${[...lines, ...sections].join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(fileURLToPath(PAGE), page(JSON.parse(readFileSync(DOCUMENT, 'utf8'))));
}
