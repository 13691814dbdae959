import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { call } from '../../app';
import { CHAT_MAX } from '../../protocol/rules';
import type { ChatEntry } from '../../state/chat';
import * as store from '../../state/store';
import { Icon } from '../icons';

/** From so near to an end of the list on it counts as being there. */
const NEAR = 48;

export function ChatPanel() {
  const list = useRef<HTMLDivElement>(null);
  const entries = store.chat.value;
  useScroll(list, entries);
  const onScroll = () => {
    if (list.current && list.current.scrollTop < NEAR && store.history.value === 'more') void call.chatter.older();
  };
  return (
    <div class="chat">
      <div class="messages" ref={list} onScroll={onScroll} role="log" aria-label="Messages" tabIndex={0} data-testid="messages">
        <Earlier />
        {entries.length === 0 && <p class="empty">No messages yet.</p>}
        <ol>
          {entries.map((entry, index) => (
            <Message key={entry.key} entry={entry} follows={entries[index - 1]?.senderId === entry.senderId} />
          ))}
        </ol>
      </div>
      <Composer />
    </div>
  );
}

/** Keeps to the newest message, unless one reads what is further up: that stays where it is. */
function useScroll(list: RefObject<HTMLDivElement | null>, entries: readonly ChatEntry[]) {
  const seen = useRef<{ first?: string; height: number }>({ height: 0 });
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const { first, height } = seen.current;
    const atEnd = height - element.scrollTop - element.clientHeight < NEAR;
    const added = element.scrollHeight - height;
    if (first === undefined || atEnd || entries.at(-1)?.delivery === 'pending') element.scrollTop = element.scrollHeight;
    else if (entries[0]?.key !== first) element.scrollTop += added;
    seen.current = { first: entries[0]?.key, height: element.scrollHeight };
  }, [entries]);
}

/** What there is above the oldest message. */
function Earlier() {
  const state = store.history.value;
  if (state === 'loading') return <p class="message-state earlier" data-testid="history-state">Loading earlier messages…</p>;
  if (state === 'all' && store.chat.value.length > 0) return <p class="message-state earlier" data-testid="history-state">The beginning of the chat</p>;
  if (state === 'all') return null;
  return (
    <p class="message-state earlier" data-testid="history-state">
      {state === 'failed' && 'Earlier messages cannot be loaded at the moment. '}
      <button class="link" type="button" onClick={() => void call.chatter.older()} data-testid="history-older">
        {state === 'failed' ? 'Try again' : 'Earlier messages'}
      </button>
    </p>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function Message({ entry, follows }: { entry: ChatEntry; follows: boolean }) {
  return (
    <li class="message" data-own={entry.own} data-delivery={entry.delivery} data-testid="message">
      {!follows && (
        <p class="message-head">
          <b>{entry.own ? 'You' : entry.username}</b> <time dateTime={new Date(entry.timestamp).toISOString()}>{clock.format(entry.timestamp)}</time>
        </p>
      )}
      <p class="message-text">{entry.content}</p>
      {entry.delivery === 'pending' && <p class="message-state" data-testid="pending">Sending…</p>}
      {entry.own && entry.delivery === 'sent' && <span class="visually-hidden">Sent</span>}
      {entry.delivery === 'failed' && (
        <p class="message-state bad">
          Not sent: {entry.problem}{' '}
          <button class="link" type="button" onClick={() => call.chatter.retry(entry)} data-testid="retry">
            Try again
          </button>
        </p>
      )}
    </li>
  );
}

function Composer() {
  const text = useSignal('');
  const send = (event: Event) => {
    event.preventDefault();
    call.chatter.say(text.value);
    text.value = '';
  };
  return (
    <form class="composer" onSubmit={send}>
      <input
        aria-label="Message"
        placeholder="Write a message"
        autocomplete="off"
        maxLength={CHAT_MAX}
        value={text.value}
        onInput={(e) => (text.value = e.currentTarget.value)}
        data-testid="chat-input"
      />
      <button class="primary icon-only" type="submit" aria-label="Send" disabled={text.value.trim() === ''} data-testid="chat-send">
        <Icon name="send" />
      </button>
    </form>
  );
}
