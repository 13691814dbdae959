/** Texts that are no frame. @type {[string, string][]} */
export const NO_FRAMES = [
  ['the empty text', ''],
  ['blanks', '  '],
  ['a word', 'hello'],
  ['an open brace', '{'],
  ['a frame that is cut off', '{"type":"chat"'],
  ['two frames in one', '{"type":"leave"}{"type":"leave"}'],
  ['single quotes', "{'type':'leave'}"],
  ['a trailing comma', '{"type":"leave",}'],
  ['an array', '[{"type":"leave"}]'],
  ['a string', '"leave"'],
  ['a number', '7'],
  ['true', 'true'],
  ['null', 'null'],
  ['NaN', 'NaN'],
  ['a byte order mark', '\ufeff{"type":"leave"}'],
  ['Socket.IO', '42["join:room",{"roomCode":"x"}]'],
];

/** What no text field may be. @type {[string, any][]} */
const NO_TEXT = [['a number', 7], ['true', true], ['an array', ['text']], ['an object', { a: 'text' }], ['an unpaired surrogate', 'a\ud800b']];

/** The same for a field that must be there. @type {[string, any][]} */
const NO_REQUIRED_TEXT = [['missing', undefined], ['null', null], ...NO_TEXT];

const NO_CODES = [['empty', ''], ['of 65 characters', 'x'.repeat(65)], ['two words', 'two words'], ['a path', '../x'], ['an accent', 'é']];

const NO_CONTENTS = [['empty', ''], ['blank', ' \n'], ['of 4001 characters', 'x'.repeat(4001)], ['with a bell', 'a\u0007b']];

const NO_DESCRIPTIONS = [['missing', undefined], ['null', null], ['a number', 7], ['true', true], ['an array', []]];

const NO_CANDIDATES = [['a number', 7], ['true', true], ['an array', []]];

/** Types that are not for clients to send, or for nobody. */
export const UNKNOWN_TYPES = ['no-such-type', 'joined', 'peer-joined', 'peer-left', 'error', 'draining', 'JOIN', ' ice', '__proto__', 'constructor',
  'вход', '👋', 'x'.repeat(200), ''];

const cases = (frame, field, values, pattern = new RegExp(`^${field}$`)) =>
  values.map(([name, value]) => ({ name: `${frame.type}: ${field} ${name}`, frame: { ...frame, [field]: value }, pattern }));

/**
 * Every frame of `/signal` with every bad field: each must be refused with `INVALID_PAYLOAD` and the field's name.
 * A field that is undefined is not sent.
 */
export const BAD_SIGNALS = [
  ...cases({ type: undefined }, 'type', NO_REQUIRED_TEXT),
  ...cases({ type: 'ice', candidate: 'x' }, 'senderId', NO_REQUIRED_TEXT),
  ...cases({ type: 'sdp' }, 'sdp', [...NO_DESCRIPTIONS, ['text', 'v=0']]),
  ...[['without a type', { sdp: 'x' }], ['of no type', { type: 7, sdp: 'x' }], ['of an unknown type', { type: 'request', sdp: 'x' }],
    ['whose sdp is a number', { type: 'offer', sdp: 7 }]]
    .map(([name, sdp]) => ({ name: `sdp: an object ${name}`, frame: { type: 'sdp', sdp }, pattern: /^sdp/ })),
  ...cases({ type: 'sdp', sdp: { type: 'offer', sdp: '' } }, 'targetId', NO_TEXT),
  ...cases({ type: 'ice' }, 'candidate', [['missing', undefined], ...NO_CANDIDATES]),
  ...cases({ type: 'ice', candidate: null }, 'targetId', NO_TEXT),
  ...cases({ type: 'host-change' }, 'hostId', NO_REQUIRED_TEXT),
  ...cases({ type: 'kick' }, 'targetId', NO_REQUIRED_TEXT),
  ...cases({ type: 'kick', targetId: 'x' }, 'reason', NO_TEXT),
  ...cases({ type: 'chat' }, 'content', [...NO_REQUIRED_TEXT, ...NO_CONTENTS]),
  ...cases({ type: 'chat', content: 'x' }, 'clientMessageId', NO_TEXT),
  ...cases({ type: 'auth' }, 'token', NO_REQUIRED_TEXT),
  ...cases({ type: 'resume' }, 'resumeToken', NO_REQUIRED_TEXT),
];

const OFFER = { type: 'offer', payload: { type: 'offer', sdp: '' } };
const inPayload = (name) => new RegExp(`^(payload\\.)?${name}$|^payload$`);

/** The same for `/ws`, of a client in a room. */
export const BAD_WS_FRAMES = [
  ...cases({ type: undefined }, 'type', NO_REQUIRED_TEXT),
  ...['offer', 'ice', 'chat', 'leave', 'join'].flatMap((type) => [
    ...cases({ type, payload: 'x' }, 'room', NO_REQUIRED_TEXT),
    ...cases({ type, payload: 'x' }, 'sender', NO_REQUIRED_TEXT),
  ]),
  ...cases({ type: 'join' }, 'room', NO_CODES),
  ...['offer', 'answer'].flatMap((type) => cases({ type }, 'payload', NO_DESCRIPTIONS)),
  ...cases(OFFER, 'recipient', NO_TEXT),
  ...['ice-candidate', 'candidate', 'ice'].flatMap((type) => cases({ type }, 'payload', NO_CANDIDATES)),
  ...cases({ type: 'ice', payload: null }, 'recipient', NO_TEXT),
  ...cases({ type: 'chat' }, 'payload', [['missing', undefined], ['null', null], ['a number', 7], ['an array', []]]),
  ...[...NO_CONTENTS, ...NO_REQUIRED_TEXT].map(([name, content]) =>
    ({ name: `chat: content ${name}`, frame: { type: 'chat', payload: { content } }, pattern: inPayload('content') })),
  ...NO_CONTENTS.map(([name, payload]) => ({ name: `chat: text ${name}`, frame: { type: 'chat', payload }, pattern: inPayload('content') })),
  ...NO_TEXT.map(([name, clientMessageId]) => (
    { name: `chat: clientMessageId ${name}`, frame: { type: 'chat', payload: { content: 'x', clientMessageId } }, pattern: inPayload('clientMessageId') })),
  ...cases({ type: 'chat', payload: 'x' }, 'recipient', [['of one', 'somebody']]),
  ...cases({ type: 'kick' }, 'recipient', NO_REQUIRED_TEXT),
  ...NO_TEXT.map(([name, reason]) => (
    { name: `kick: reason ${name}`, frame: { type: 'kick', recipient: 'x', payload: { reason } }, pattern: inPayload('reason') })),
  ...cases({ type: 'host-change' }, 'recipient', NO_REQUIRED_TEXT),
  ...cases({ type: 'auth' }, 'token', NO_REQUIRED_TEXT),
  ...cases({ type: 'resume' }, 'resumeToken', NO_REQUIRED_TEXT),
];
