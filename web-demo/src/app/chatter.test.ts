import { beforeEach, describe, expect, test } from 'vitest';
import { SignalError } from '../protocol/errors';
import type { ChatMessage } from '../protocol/types';
import type { SignallingClient } from '../signalling/client';
import * as store from '../state/store';
import { Chatter } from './chatter';

type Answer = Record<string, unknown> | Error;
type Request = [event: string, payload: Record<string, unknown>];

/** A gateway that answers from a script, one answer for each request. */
class Gateway {
  readonly requests: Request[] = [];
  constructor(private readonly answers: Answer[]) {}

  readonly client = {
    request: (event: string, payload: Record<string, unknown>) => {
      this.requests.push([event, payload]);
      const answer = this.answers.shift() ?? new Error('nothing more was expected');
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  } as unknown as SignallingClient;
}

const id = (n: number) => `id-${String(n).padStart(4, '0')}`;

function messages(from: number, to: number): ChatMessage[] {
  return Array.from({ length: to - from }, (_, k) => ({
    id: id(from + k), roomId: 'r', senderId: 'u-a', peerId: 'a', username: 'A', content: `n ${from + k}`, timestamp: from + k,
  }));
}

const contents = () => store.chat.value.map((entry) => entry.content);
const settled = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  store.session.value = { userId: 'u-me', username: 'Me', expiresAt: 0 };
  store.chat.value = [];
  store.history.value = 'more';
  store.toasts.value = [];
});

describe('history', () => {
  test('is loaded page by page, until there is no more', async () => {
    const gateway = new Gateway([{ messages: messages(60, 110) }, { messages: messages(10, 60) }, { messages: messages(0, 10) }]);
    const chatter = new Chatter(gateway.client);
    await chatter.catchUp();
    expect(store.history.value).toBe('more');
    await chatter.older();
    await chatter.older();
    expect(store.history.value).toBe('all');
    await chatter.older();
    expect(gateway.requests.map(([, { before }]) => before)).toEqual([undefined, id(60), id(10)]);
    expect(contents()).toEqual(messages(0, 110).map(({ content }) => content));
  });

  test('is asked for once at a time', async () => {
    const gateway = new Gateway([{ messages: messages(0, 3) }]);
    const chatter = new Chatter(gateway.client);
    await Promise.all([chatter.older(), chatter.older()]);
    expect(gateway.requests).toHaveLength(1);
  });

  test('fills a gap after a reconnection back to what is known', async () => {
    const gateway = new Gateway([{ messages: messages(0, 10) }, { messages: messages(80, 130) }, { messages: messages(30, 80) }, { messages: messages(5, 30) }]);
    const chatter = new Chatter(gateway.client);
    await chatter.catchUp();
    await chatter.catchUp();
    expect(contents()).toEqual(messages(0, 130).map(({ content }) => content));
  });

  test('that the gateway has in part, or not at all, can be asked for again', async () => {
    const gateway = new Gateway([{ messages: messages(5, 8), partial: true }, new SignalError('SERVICE_UNAVAILABLE', 'away', true), { messages: messages(0, 5) }]);
    const chatter = new Chatter(gateway.client);
    await chatter.catchUp();
    expect([store.history.value, store.toasts.value.length]).toEqual(['failed', 0]);
    await chatter.older();
    expect([store.history.value, store.toasts.value.length]).toEqual(['failed', 1]);
    await chatter.older();
    expect(store.history.value).toBe('all');
    expect(contents()).toEqual(messages(0, 8).map(({ content }) => content));
  });
});

describe('a message', () => {
  test('is pending, then sent', async () => {
    const gateway = new Gateway([{ id: id(1), timestamp: 1 }]);
    new Chatter(gateway.client).say(' hello ');
    expect(store.chat.value).toMatchObject([{ content: 'hello', delivery: 'pending' }]);
    await settled();
    expect(store.chat.value).toMatchObject([{ delivery: 'sent' }]);
  });

  test('that is refused is failed, says why, and goes out again under the same clientMessageId', async () => {
    const gateway = new Gateway([new SignalError('SERVICE_UNAVAILABLE', 'chat cannot be stored', true), { id: id(1), timestamp: 1 }]);
    const chatter = new Chatter(gateway.client);
    chatter.say('hello');
    await settled();
    const [failed] = store.chat.value;
    expect(failed).toMatchObject({ delivery: 'failed', problem: 'chat cannot be stored' });
    chatter.retry(failed!);
    expect(store.chat.value).toMatchObject([{ delivery: 'pending' }]);
    await settled();
    expect(store.chat.value).toMatchObject([{ delivery: 'sent' }]);
    const sent = gateway.requests.map(([, payload]) => payload.clientMessageId);
    expect(sent[1]).toBe(sent[0]);
  });

  test('whose connection is lost stays pending, and goes out with the next one under the same clientMessageId', async () => {
    const gateway = new Gateway([new SignalError('LINK_LOST', 'lost', true), { id: id(1), timestamp: 1 }, { messages: [] }]);
    const chatter = new Chatter(gateway.client);
    chatter.say('hello');
    await settled();
    expect(store.chat.value).toMatchObject([{ delivery: 'pending' }]);
    await chatter.catchUp();
    expect(store.chat.value).toMatchObject([{ delivery: 'sent' }]);
    const [first, second] = gateway.requests;
    expect(second?.[1].clientMessageId).toBe(first?.[1].clientMessageId);
  });
});
