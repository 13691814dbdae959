import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../../app';
import { CHAT_MAX } from '../../protocol/rules';
import type { ChatEntry } from '../../state/chat';
import * as store from '../../state/store';
import { Icon } from '../icons';

export function ChatPanel() {
  const list = useRef<HTMLDivElement>(null);
  const entries = store.chat.value;
  useEffect(() => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [entries.length]);
  return (
    <div class="chat">
      <div class="messages" ref={list} role="log" aria-label="Messages" tabIndex={0} data-testid="messages">
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
      {entry.delivery === 'pending' && <p class="message-state">Sending…</p>}
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
