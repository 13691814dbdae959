import { describe, expect, test } from 'vitest';
import { errorIn, learn, NOTHING, parseFrame } from './frames';
import { closeText, frameProblem, socketUrl, TEMPLATES, type Known } from './protocols';

const known: Known = { userId: 'ann', room: 'r', name: 'Ann', target: null, resumeToken: 'secret' };
const example = (protocol: 'signal' | 'ws', type: string, over: Partial<Known> = {}) =>
  TEMPLATES[protocol].find((template) => template.type === type)?.make({ ...known, ...over });

describe('the address of a protocol', () => {
  test('is that of the page, secure or not', () => {
    expect(socketUrl('http://h:1/demo/console.html#x', { protocol: 'ws', room: 'r', resumeToken: null })).toBe('ws://h:1/ws');
    expect(socketUrl('https://h/demo/console.html', { protocol: 'signal', room: 'r', resumeToken: null })).toBe('wss://h/signal/r');
  });

  test('holds the resume token', () => {
    expect(socketUrl('http://h/', { protocol: 'signal', room: 'r', resumeToken: 'a+b' })).toBe('ws://h/signal/r?resumeToken=a%2Bb');
    expect(socketUrl('http://h/', { protocol: 'ws', room: 'r', resumeToken: 'a' })).toBe('ws://h/ws?resumeToken=a');
  });
});

describe('an example', () => {
  test('of each type says who sends it, and is a frame', () => {
    for (const protocol of ['signal', 'ws'] as const) {
      for (const template of TEMPLATES[protocol]) {
        const frame = template.make(known);
        expect(frameProblem(JSON.stringify(frame))).toBeNull();
        if (['resume', 'auth', 'no-such-type'].includes(String(frame.type))) continue;
        expect(frame).toMatchObject(protocol === 'ws' ? { room: 'r', sender: 'Ann' } : { senderId: 'ann' });
      }
    }
  });

  test('goes to one of the others or to all', () => {
    expect(example('signal', 'ice end')).toEqual({ type: 'ice', senderId: 'ann', candidate: null });
    expect(example('signal', 'ice end', { target: 'bob' })).toEqual({ type: 'ice', senderId: 'ann', targetId: 'bob', candidate: null });
    expect(example('ws', 'offer', { target: 'Bob' })).toMatchObject({ recipient: 'Bob', payload: { type: 'offer' } });
    expect(example('ws', 'chat', { target: 'Bob' })).toEqual({ type: 'chat', room: 'r', sender: 'Ann', payload: 'Hello' });
    expect(example('ws', 'resume')).toEqual({ type: 'resume', resumeToken: 'secret' });
  });

  test('can be spoilt, which is said', () => {
    expect(frameProblem('{"type":')).toMatch(/^Not JSON/);
    expect(frameProblem('[]')).toBe('Not a JSON object.');
    expect(frameProblem('{"type":1}')).toBe('Without a type.');
  });
});

describe('what frames tell', () => {
  const bob = { sender: 'Bob', peerId: 'p2', username: 'Robert' };

  test('who is in the room, on /ws by name', () => {
    let learnt = learn('ws', NOTHING, { type: 'joined', sender: 'Ann', resumeToken: 't', peers: [bob] });
    expect(learnt).toEqual({ others: [{ name: 'Bob', username: 'Robert', peerId: 'p2' }], resumeToken: 't', self: 'Ann' });
    learnt = learn('ws', learnt, { type: 'peer-joined', sender: 'Eve', peerId: 'p3', username: 'Eve' });
    learnt = learn('ws', learnt, { type: 'peer-joined', sender: 'Eve', peerId: 'p3', username: 'Eve' });
    expect(learnt.others.map(({ name }) => name)).toEqual(['Bob', 'Eve']);
    learnt = learn('ws', learnt, { type: 'peer-left', sender: 'Bob', peerId: 'p2', reason: 'left' });
    expect(learnt.others.map(({ name }) => name)).toEqual(['Eve']);
    expect(learn('ws', learnt, { type: 'left', room: 'r' })).toEqual(NOTHING);
  });

  test('who is in the room, on /signal by user', () => {
    const learnt = learn('signal', NOTHING, { type: 'resumed', senderId: 'ann', peers: [{ senderId: 'bob', userId: 'bob', peerId: 'p2', username: 'Bob' }] });
    expect(learnt).toMatchObject({ self: 'ann', others: [{ name: 'bob', peerId: 'p2' }] });
    expect(learn('signal', learnt, { type: 'chat', senderId: 'bob' })).toBe(learnt);
  });

  test('what was wrong', () => {
    const frame = { type: 'error', code: 'FORBIDDEN', message: 'no', retryable: false, field: 'sender', frame: 'offer' };
    expect(errorIn(frame)).toEqual({ code: 'FORBIDDEN', message: 'no', retryable: false, field: 'sender', frame: 'offer' });
    expect(errorIn({ type: 'error', code: 'INTERNAL', message: 'x', retryable: true })).toMatchObject({ field: null, frame: null, retryable: true });
    expect(errorIn({ type: 'joined' })).toBeNull();
  });

  test('nothing, if they are none', () => {
    expect([parseFrame('nonsense'), parseFrame('[1]'), parseFrame('null')]).toEqual([null, null, null]);
  });
});

test('the end of a connection is put in words', () => {
  expect(closeText(1008, 'replaced', true)).toBe('1008: against the rules (“replaced”).');
  expect(closeText(3999, '', true)).toBe('3999: for a reason of its own.');
  expect(closeText(1006, '', false)).toMatch(/^The connection was not opened/);
});
