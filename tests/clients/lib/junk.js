/** What no payload may be, instead of an object. @type {[string, any[]][]} */
export const NO_OBJECTS = [
  ['nothing', []],
  ['null', [null]],
  ['an array', [[]]],
  ['an array with the right object', [[{ roomCode: 'x', targetPeerId: 'x', content: 'x' }]]],
  ['a number', [7]],
  ['a string', ['text']],
  ['true', [true]],
];

const nested = (depth) => {
  let value = { end: true };
  for (let level = 0; level < depth; level += 1) value = level % 2 ? { a: value } : [value];
  return value;
};

/** What no text field may be. @type {[string, any][]} */
const NO_TEXT = [
  ['null', null],
  ['a number', 7],
  ['true', true],
  ['an array', ['text']],
  ['an object', { toString: 'text' }],
  ['nested junk', nested(60)],
  ['an unpaired surrogate', 'a\ud800b'],
];

const CONTROLS = ['\u0000', 'a\u0007b', 'a\u001bb', 'a\u007fb', 'a\u0085b', 'a\rb'];

const NO_CODES = [
  ['the empty string', ''],
  ['65 characters', 'x'.repeat(65)],
  ['a space', 'two words'],
  ['a trailing space', 'room '],
  ['a path', '../etc/passwd'],
  ['a slash', 'a/b'],
  ['a colon', 'a:b'],
  ['braces', '{a}'],
  ['a line break', 'a\nb'],
  ['an accent', 'é'],
  ['a combining accent', 'e\u0301'],
  ['emoji', '👩‍🚀'],
  ['right-to-left text', 'חדר'],
  ['a right-to-left override', '\u202Eroom'],
  ['full-width letters', 'ｒｏｏｍ'],
  ['a sign whose lower case is ASCII', '\u212A'],
  ['a zero-width space', 'a\u200bb'],
  ['wildcards', '*'],
  ...CONTROLS.map((text) => [`control characters ${JSON.stringify(text)}`, text]),
];

const NO_CONTENTS = [
  ['the empty string', ''],
  ['blanks only', ' \n\t '],
  ['4001 characters', 'x'.repeat(4001)],
  ['4001 emoji', '🙂'.repeat(4001)],
  ...CONTROLS.filter((text) => text.length > 1).map((text) => [`control characters ${JSON.stringify(text)}`, text]),
];

const NO_OBJECT_OR_TEXT = [['null', null], ['a number', 7], ['true', true], ['an array', []]];

const fieldCases = (field, rest, values) =>
  values.map(([name, value]) => [`${field}: ${name}`, [{ ...rest, [field]: value }], new RegExp(field)]);

const missingCase = (field, rest) => [`no ${field}`, [rest], new RegExp(field)];

/** One relay event's bad payloads. */
function relayCases(event, field, target, values) {
  const body = { [field]: field === 'candidate' ? 'x' : { type: 'offer', sdp: 'x' } };
  return [
    ...NO_OBJECTS.map(([name, args]) => [name, args, /payload/i]),
    missingCase('targetPeerId', body),
    ...fieldCases('targetPeerId', body, NO_TEXT),
    missingCase(field, { targetPeerId: target }),
    ...fieldCases(field, { targetPeerId: target }, values),
  ].map(([name, args, message]) => ({ event, name, args, code: 'INVALID_PAYLOAD', message }));
}

/** Bad payloads of all events that are about one text field. */
function textCases(event, field, values) {
  return [
    ...NO_OBJECTS.map(([name, args]) => [name, args, /payload/i]),
    missingCase(field, {}),
    ...fieldCases(field, {}, [...NO_TEXT, ...values]),
  ].map(([name, args, message]) => ({ event, name, args, code: 'INVALID_PAYLOAD', message }));
}

const invalid = (event, list) =>
  list.map(([name, args, message]) => ({ event, name, args, code: 'INVALID_PAYLOAD', message }));

const SFU_EVENTS = ['sfu_get_router_capabilities', 'sfu_create_transport', 'sfu_connect_transport', 'sfu_produce',
  'sfu_consume', 'sfu_resume_consumer', 'sfu_pause_producer', 'sfu_resume_producer', 'sfu_close_producer',
  'sfu_restart_ice', 'sfu_get_producers'];

const UNKNOWN_EVENTS = ['no:such:event', '__proto__', 'constructor', 'toString', 'room:joined', 'JOIN:ROOM', ' join:room',
  'вход', '👋', 'x'.repeat(200), 'peer:left', 'sfu_no_such_thing', ''];

/** Unknown events whose names cannot stand in JSON as they are. */
export const ESCAPED_EVENTS = ['join:room\u0000', 'join:\nroom', 'quo"ted', 'back\\slash'];

/**
 * Every event with every bad payload, and the one error each must get.
 * @param {string} target a peer of the sender's room
 * @returns {{event: string, name: string, args: any[], code: string, message: RegExp}[]}
 */
export function badEvents(target) {
  const message = { content: 'text' };
  return [
    ...textCases('join:room', 'roomCode', NO_CODES),
    ...textCases('join_room', 'roomCode', NO_CODES.slice(0, 4)),
    ...relayCases('webrtc:offer', 'offer', target, NO_OBJECT_OR_TEXT),
    ...relayCases('webrtc:answer', 'answer', target, NO_OBJECT_OR_TEXT),
    ...relayCases('webrtc:ice', 'candidate', target, NO_OBJECT_OR_TEXT.slice(1)),
    ...relayCases('webrtc_offer', 'offer', target, NO_OBJECT_OR_TEXT.slice(0, 1)),
    ...relayCases('webrtc_ice', 'candidate', target, NO_OBJECT_OR_TEXT.slice(1, 2)),
    ...textCases('chat_message', 'content', NO_CONTENTS),
    ...invalid('chat_message', fieldCases('clientMessageId', message, NO_TEXT.slice(1))),
    ...invalid('chat_history', NO_OBJECTS.slice(2).map(([name, args]) => [name, args, /payload/i])),
    ...invalid('chat_history', fieldCases('limit', {}, [['0', 0], ['101', 101], ['-1', -1], ['1.5', 1.5], ['text', '5'], ['an array', [5]]])),
    ...invalid('chat_history', fieldCases('before', {}, NO_TEXT.slice(1))),
    ...textCases('peer:kick', 'targetPeerId', []),
    ...invalid('peer:kick', fieldCases('reason', { targetPeerId: target }, NO_TEXT.slice(1))),
    ...textCases('auth:refresh', 'token', []),
    ...SFU_EVENTS.flatMap((event) => [[], [null], [{ transportId: 7 }]].map((args) =>
      ({ event, name: JSON.stringify(args), args, code: 'MEDIA_UNAVAILABLE', message: /^Media Server Unavailable$/ }))),
    ...UNKNOWN_EVENTS.map((event) => ({ event, name: event.slice(0, 20), args: [{}], code: 'UNKNOWN_EVENT', message: /./ })),
  ];
}

export { nested };
