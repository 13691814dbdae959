import { nested, NO_OBJECTS } from '../../clients/lib/junk.js';

/** What no id may be. @type {[string, any][]} */
const NO_IDS = [
  ['null', null], ['a number', 7], ['true', true], ['an array', ['text']], ['an object', { toString: 'text' }], ['nested junk', nested(60)],
];

/** What no parameters may be, which are objects. @type {[string, any][]} */
const NO_PARAMETERS = [['null', null], ['a number', 7], ['true', true], ['a text', 'text'], ['an array', [{}]]];

/** What no kind of media may be. @type {[string, any][]} */
const NO_KINDS = [['null', null], ['a number', 1], ['data', 'data'], ['upper case', 'AUDIO'], ['blanks', ' audio'], ['nothing', ''], ['an array', ['audio']]];

/** @type {[string, any][]} */
const NO_DIRECTIONS = [['null', null], ['a number', 1], ['both', 'both'], ['upper case', 'SEND'], ['nothing', ''], ['an array', ['send']]];

/** 4 kB are allowed. @type {[string, any][]} */
const NO_APP_DATA = [
  ['a text', 'text'], ['a number', 7], ['an array', [{}]],
  ['over 4 kB', { padding: 'p'.repeat(4_200) }], ['over 4 kB in few characters', { padding: '📷'.repeat(1_100) }],
];

const IDS = { transportId: 'a transport', producerId: 'a producer', consumerId: 'a consumer' };
const id = (name) => [name, IDS[name], NO_IDS];
const parameters = (name) => [name, {}, NO_PARAMETERS];

/** The fields of each event: name, a value that fits, values that do not; and those that may be missing. */
const EVENTS = {
  sfu_create_transport: { fields: [['direction', 'send', NO_DIRECTIONS]], optional: [['sctpCapabilities', {}, NO_PARAMETERS.slice(1)]] },
  sfu_connect_transport: { fields: [id('transportId'), parameters('dtlsParameters')] },
  sfu_produce: {
    fields: [id('transportId'), ['kind', 'audio', NO_KINDS], parameters('rtpParameters')], optional: [['appData', {}, NO_APP_DATA]],
  },
  sfu_consume: { fields: [id('transportId'), id('producerId'), parameters('rtpCapabilities')] },
  sfu_resume_consumer: { fields: [id('consumerId')] },
  sfu_pause_producer: { fields: [id('producerId')] },
  sfu_resume_producer: { fields: [id('producerId')] },
  sfu_close_producer: { fields: [id('producerId')] },
  sfu_restart_ice: { fields: [id('transportId')] },
};

/** Every event with a payload of the right shape, and ids of nothing. @type {[string, any][]} */
export const FITTING = [
  ...Object.entries(EVENTS).map(([event, { fields }]) => [event, Object.fromEntries(fields)]),
  ['sfu_get_router_capabilities', {}],
  ['sfu_get_producers', {}],
];

/**
 * Every event with every bad payload; each must be refused with INVALID_PAYLOAD, and a message that says what is wrong.
 * @returns {{event: string, name: string, args: any[], message: RegExp}[]}
 */
export function badEvents() {
  return Object.entries(EVENTS).flatMap(([event, { fields, optional = [] }]) => {
    const good = Object.fromEntries(fields);
    const without = (field) => Object.fromEntries(fields.filter(([name]) => name !== field));
    return [
      ...NO_OBJECTS.map(([name, args]) => ({ name, args, message: /payload/i })),
      ...fields.map(([field]) => ({ name: `no ${field}`, args: [without(field)], message: new RegExp(field) })),
      ...[...fields, ...optional].flatMap(([field, , values]) => values.map(([name, value]) =>
        ({ name: `${field}: ${name}`, args: [{ ...good, [field]: value }], message: new RegExp(field) }))),
    ].map((entry) => ({ event, ...entry }));
  });
}
