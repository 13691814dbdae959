import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../protocol/types';
import { add, draft, mark, merge, oldestId, unsent, type ChatState } from './chat';

const me = { userId: 'u-me', username: 'Me' };

function message(id: string, timestamp: number, over: Partial<ChatMessage> = {}): ChatMessage {
  return { id, roomId: 'r', senderId: 'u-a', peerId: 'a', username: 'A', content: id, timestamp, ...over };
}

const own = (id: string, timestamp: number, clientMessageId: string) => message(id, timestamp, { senderId: 'u-me', peerId: 'me', clientMessageId });
const mergeAll = (state: ChatState, ...messages: ChatMessage[]) => merge(state, messages, 'me', 'u-me');
const texts = (state: ChatState) => state.map((e) => e.content);

describe('chat', () => {
  test('shows a message once, however often it comes', () => {
    const once = mergeAll([], message('1', 1));
    expect(texts(mergeAll(once, message('1', 1), message('2', 2), message('2', 2)))).toEqual(['1', '2']);
  });

  test('puts late history before what is newer', () => {
    expect(texts(mergeAll(mergeAll([], message('3', 3)), message('1', 1), message('2', 2)))).toEqual(['1', '2', '3']);
  });

  test('an echo takes the place of the draft and keeps its key', () => {
    const pending = add([], draft(me, 'hello', 'c1', 5));
    const sent = mergeAll(pending, own('9', 6, 'c1'));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ key: 'c1', id: '9', delivery: 'sent', own: true });
  });

  test('somebody else’s clientMessageId is not taken for ours', () => {
    const pending = add([], draft(me, 'hello', 'c1', 5));
    expect(mergeAll(pending, message('9', 6, { clientMessageId: 'c1' }))).toHaveLength(2);
  });

  test('what is not sent yet stays last', () => {
    const pending = add([], draft(me, 'mine', 'c1', 1));
    expect(texts(mergeAll(pending, message('theirs', 99)))).toEqual(['theirs', 'mine']);
  });

  test('a failure shows and can be tried again; what is sent stays sent', () => {
    const failed = mark(add([], draft(me, 'x', 'c1', 1)), 'c1', 'failed', 'too fast');
    expect(failed[0]).toMatchObject({ delivery: 'failed', problem: 'too fast' });
    expect(unsent(failed)).toHaveLength(0);
    const sent = mergeAll(failed, own('9', 2, 'c1'));
    expect(mark(sent, 'c1', 'failed')[0]?.delivery).toBe('sent');
  });

  test('what waits for the connection can be listed', () => {
    const state = add(add([], draft(me, 'a', 'c1', 1)), draft(me, 'b', 'c2', 2));
    expect(unsent(mark(state, 'c1', 'sent')).map((e) => e.content)).toEqual(['b']);
  });

  test('the history that is shown begins with the lowest id; what is not sent has none', () => {
    expect(oldestId(add([], draft(me, 'x', 'c1', 1)))).toBeUndefined();
    const state = mergeAll(add([], draft(me, 'x', 'c1', 1)), message('b', 5), message('a', 9));
    expect(oldestId(state)).toBe('a');
  });
});
