import Ajv from 'ajv';
import addFormats from 'ajv-formats';

/**
 * What a gateway says of its events, at `/asyncapi.json`. All that clients of the suites get is checked against it, and
 * all that they send and that is answered: what is accepted must be described, what is called invalid must not be.
 * Whatever does not fit is written to standard error, and the process ends with an error.
 *
 * `SWITCHBOARD_CONTRACT=off` turns it off.
 */
const OFF = process.env.SWITCHBOARD_CONTRACT === 'off';

/** What an invalid payload may be in spite of its schema, which cannot say it all. @type {RegExp[]} */
const BEYOND_SCHEMAS = [/must be valid Unicode/, /binary/, /needs an acknowledgement/, /at most \d+ bytes/, /the other direction/];

/** Where the validator has the schemas that have names. */
const SCHEMAS = '/schemas/';

/** By their texts: many gateways say the same. @type {Map<string, Contract>} */
const known = new Map();
let failures = 0;
/** @type {Set<string>} */
const applications = new Set();
let anything = false;

process.on('exit', () => {
  if (failures) process.exitCode = 1;
});

function fail(fault, what) {
  failures += 1;
  console.error(`Not as /asyncapi.json says: ${what}: ${fault}`);
}

/** Events that a test's own backend sends to clients, beyond all that a gateway can know of. @param {string[]} names */
export const expectEvents = (...names) => names.forEach((name) => applications.add(name));

/** The same whatever they are called: only events that are described are looked at. */
export function expectAnyEvents() {
  anything = true;
}

/** Follows references from here. @param {any} root @param {any} value @param {Set<string>} found names of schemas */
function collect(root, value, found) {
  if (typeof value !== 'object' || value === null) return;
  const name = typeof value.$ref === 'string' && /^#\/components\/schemas\/(.*)$/.exec(value.$ref)?.[1];
  if (name && !found.has(name)) {
    found.add(name);
    collect(root, root.components.schemas[name], found);
  }
  Object.values(value).forEach((member) => collect(root, member, found));
}

/** Lets objects have no members but those that are described. Clients must ignore more; here it is a mistake. */
function close(schema) {
  if (typeof schema !== 'object' || schema === null) return;
  if (schema.properties && !('additionalProperties' in schema)) schema.additionalProperties = false;
  Object.values(schema).forEach(close);
}

function closeAllThatIsTold(document) {
  const messages = Object.values(document.channels).flatMap((channel) => Object.entries(channel.messages));
  const asked = new Set();
  for (const [id, { payload }] of messages) if (id.startsWith('client.')) collect(document, payload, asked);
  for (const [id, { payload, headers }] of messages) if (!id.startsWith('client.')) [payload, headers].forEach(close);
  for (const [name, schema] of Object.entries(document.components.schemas)) if (!asked.has(name)) close(schema);
}

export class Contract {
  /** Messages of each channel and direction, by name. @type {Map<string, any[]>} */
  #messages = new Map();

  /** @type {Map<any, import('ajv').ValidateFunction>} */
  #compiled = new Map();

  /** @param {any} document @param {(fault: string, what: string) => void} [report] where to say what does not fit */
  constructor(document, report = fail) {
    this.report = report;
    closeAllThatIsTold(document);
    this.ajv = addFormats(new Ajv({ strict: true, strictTypes: false, strictRequired: false }));
    this.ajv.addKeyword('x-typescript');
    for (const [name, schema] of Object.entries(document.components.schemas)) this.ajv.addSchema(local(schema), `${SCHEMAS}${name}`);
    for (const [channel, { messages }] of Object.entries(document.channels)) {
      for (const [id, message] of Object.entries(messages)) this.#index(channel, id, message);
    }
  }

  /** The one of a gateway that runs; nothing if it is turned off. @param {import('./gateway.js').Gateway} gateway */
  static async of(gateway) {
    if (OFF) return null;
    const { status, text } = await gateway.http('/asyncapi.json');
    if (status !== 200) throw new Error(`GET /asyncapi.json was answered ${status} ${text}`);
    if (!known.has(text)) known.set(text, new Contract(JSON.parse(text)));
    return known.get(text);
  }

  #index(channel, id, message) {
    const direction = id.startsWith('client.') ? 'client' : id.startsWith('ack.') ? 'ack' : 'server';
    for (const name of [message.name, message['x-alias']].filter(Boolean)) {
      const key = `${channel} ${direction} ${name}`;
      this.#messages.set(key, [...(this.#messages.get(key) ?? []), message]);
    }
  }

  #find(channel, direction, name) {
    return this.#messages.get(`${channel} ${direction} ${name}`) ?? [];
  }

  /** What is wrong with a value; nothing if it fits. */
  #fault(part, message, value) {
    if (!(part in message)) return value === undefined ? null : `${part} is not described`;
    if (!this.#compiled.has(message[part])) this.#compiled.set(message[part], this.ajv.compile(local(message[part])));
    const validate = this.#compiled.get(message[part]);
    return validate(value) ? null : this.ajv.errorsText(validate.errors, { dataVar: part });
  }

  #eventFault(event, args) {
    const found = this.#find('socketio', 'server', event);
    if (!found.length) return 'is not described';
    const faults = found.map((message) => {
      if (args.length !== ('headers' in message ? 2 : 1)) return `has ${args.length} arguments`;
      return this.#fault('payload', message, args[0]) ?? this.#fault('headers', message, args[1]);
    });
    return faults.includes(null) ? null : faults.join(' or ');
  }

  /** Checks an event that a Socket.IO client got. @param {string} event @param {any[]} args @param {string} who */
  heard(event, args, who) {
    const foreign = applications.has(event) || (anything && !this.#find('socketio', 'server', event).length);
    if (!foreign) this.#report(this.#eventFault(event, args), `${who} got "${event}" ${short(args)}`);
  }

  /** Checks an event that a Socket.IO client sent, and its acknowledgement. @param {any[]} args @param {any[]} acks */
  answered(event, args, acks, who) {
    const what = `${who} sent "${event}" ${short(args)} and was answered ${short(acks)}`;
    const [message] = this.#find('socketio', 'client', event);
    const [answer] = acks;
    if (acks.length !== 1) return this.#report('an acknowledgement has one argument', what);
    if (answer?.status === 'error') {
      this.#report(this.#ackFault('ack.refused', answer), what);
      return this.#report(this.#refusalFault(message, args, answer), what);
    }
    if (!message) return this.#report('it is not described', what);
    this.#report(this.#askedFault(message, args), what);
    return this.#report(this.#ackFault(message['x-ack'], answer), what);
  }

  #ackFault(id, answer) {
    const [message] = this.#find('socketio', 'ack', id);
    return this.#fault('payload', message, answer);
  }

  #askedFault(message, [payload]) {
    return 'payload' in message ? this.#fault('payload', message, asWritten(payload)) : null;
  }

  /** Whether it was refused for a reason that the description knows. */
  #refusalFault(message, args, { code, message: text }) {
    if (code === 'UNKNOWN_EVENT') return message ? 'it is described' : null;
    if (code !== 'INVALID_PAYLOAD' || !message || BEYOND_SCHEMAS.some((reason) => reason.test(text))) return null;
    return this.#askedFault(message, args) === null ? 'by its description it is valid' : null;
  }

  /** Checks a frame that a raw WebSocket client got. @param {string} path where it is connected @param {any} frame */
  frame(path, frame, who) {
    const channel = path.startsWith('/signal/') ? 'signal' : 'ws';
    const [message] = this.#find(channel, 'server', frame?.type);
    const fault = message ? this.#fault('payload', message, frame) : 'is not described';
    this.#report(fault, `${who} got at ${path} ${short(frame)}`);
  }

  #report(fault, what) {
    if (fault !== null) this.report(fault, what);
  }
}

/** The same schema with references to what the validator has. */
const local = (schema) => JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', `"${SCHEMAS}`));

/** As JSON writes it: what is missing is null, and what is undefined is missing. */
const asWritten = (value) => JSON.parse(JSON.stringify(value ?? null));

const short = (value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};
