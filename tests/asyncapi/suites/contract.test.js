import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Contract } from '../../clients/lib/contract.js';

const text = await readFile(new URL('../../../docs/asyncapi.json', import.meta.url), 'utf8');

/** What is reported when a contract is looked at like this. @param {(contract: Contract) => void} look */
function reported(look, change = () => {}) {
  const document = JSON.parse(text);
  change(document);
  const found = [];
  look(new Contract(document, (fault) => found.push(fault)));
  return found;
}

const PEER = '0190a5a0-0000-4000-8000-000000000001';
const LEFT = { peerId: PEER, reason: 'left' };
const REFUSED = { status: 'error', code: 'INVALID_PAYLOAD', message: 'wrong', retryable: false };
const EVENT = [{ matchId: 7 }, { channel: 'match:events', serverId: 's', timestamp: 1 }];

const FINE = {
  'an event': (contract) => contract.heard('peer:left', [LEFT]),
  'an event of a backend': (contract) => contract.heard('match_started', EVENT),
  'an acknowledgement': (contract) => contract.answered('heartbeat', [], [{ status: 'ok' }]),
  'another spelling': (contract) => contract.answered('leave_room', [], [{ status: 'ok' }]),
  'what may be left out': (contract) => contract.answered('chat_history', [], [{ status: 'ok', messages: [] }]),
  'a refusal of what is wrong': (contract) => contract.answered('peer:kick', [{}], [REFUSED]),
  'a refusal for other reasons': (contract) => contract.answered('heartbeat', [], [{ ...REFUSED, code: 'RATE_LIMITED' }]),
  'an unknown event': (contract) => contract.answered('no:such', [], [{ ...REFUSED, code: 'UNKNOWN_EVENT' }]),
  'a frame': (contract) => contract.frame('/ws', { type: 'left', room: 'x' }),
};

for (const [what, look] of Object.entries(FINE)) {
  test(`${what} as described is fine`, () => assert.deepEqual(reported(look), []));
}

const WRONG = {
  'an event that is not described': (contract) => contract.heard('peer:gone', [LEFT]),
  'a member that is missing': (contract) => contract.heard('peer:left', [{ peerId: PEER }]),
  'a member that is not described': (contract) => contract.heard('peer:left', [{ ...LEFT, more: 1 }]),
  'a value that is not described': (contract) => contract.heard('peer:left', [{ ...LEFT, reason: 'bored' }]),
  'an argument too many': (contract) => contract.heard('peer:left', [LEFT, 1]),
  'an argument too few': (contract) => contract.heard('match_started', EVENT.slice(0, 1)),
  'a source that is not described': (contract) => contract.heard('match_started', [EVENT[0], { channel: 'x' }]),
  'an acknowledgement that is not described': (contract) => contract.answered('heartbeat', [], [{ status: 'ok', at: 1 }]),
  'two acknowledgements in one': (contract) => contract.answered('heartbeat', [], [{ status: 'ok' }, 1]),
  'an accepted event that is not described': (contract) => contract.answered('no:such', [], [{ status: 'ok' }]),
  'an accepted payload that is not described': (contract) => contract.answered('unsubscribe', [{ channel: 7 }], [{ status: 'ok' }]),
  'a refusal of what is described': (contract) => contract.answered('unsubscribe', [{ channel: 'x' }], [REFUSED]),
  'a described event that is unknown': (contract) => contract.answered('heartbeat', [], [{ ...REFUSED, code: 'UNKNOWN_EVENT' }]),
  'a code that is not described': (contract) => contract.answered('heartbeat', [], [{ ...REFUSED, code: 'TIRED' }]),
  'a frame that is not described': (contract) => contract.frame('/signal/x', { type: 'left', room: 'x' }),
  'a frame with more than is described': (contract) => contract.frame('/ws', { type: 'left', room: 'x', more: 1 }),
};

for (const [what, look] of Object.entries(WRONG)) {
  test(`${what} is reported`, () => assert.equal(reported(look).length, 1));
}

test('an event that the document lacks is reported', () => {
  const change = (document) => { delete document.channels.socketio.messages['server.peer_left']; };
  assert.equal(reported(FINE['an event'], change).length, 1);
});
