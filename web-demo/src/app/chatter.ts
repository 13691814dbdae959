import { SignalError } from '../protocol/errors';
import type { ChatMessage } from '../protocol/types';
import type { SignallingClient } from '../signalling/client';
import * as chat from '../state/chat';
import * as store from '../state/store';

const PAGE = 50;
/** How far back a gap is filled after a reconnection; what is older is loaded when it is scrolled to. */
const CATCH_UP_PAGES = 10;

/** Sending, retrying and receiving chat. */
export class Chatter {
  constructor(private readonly client: SignallingClient) {}

  say(content: string): void {
    const self = store.session.value;
    const text = content.trim();
    if (!self || text === '') return;
    const entry = chat.draft(self, text, crypto.randomUUID(), Date.now());
    store.chat.value = chat.add(store.chat.value, entry);
    void this.deliver(entry);
  }

  /** The same clientMessageId again: the gateway knows it, should the first have arrived after all. */
  retry(entry: chat.ChatEntry): void {
    if (!entry.clientMessageId) return;
    const retried = { ...entry, delivery: 'pending' as const, problem: undefined };
    store.chat.value = store.chat.value.map((e) => (e.key === entry.key ? retried : e));
    void this.deliver(retried);
  }

  receive(message: ChatMessage): void {
    this.take([message]);
    const own = message.peerId === store.room.value?.selfId;
    if (!own && store.panel.value !== 'chat') store.unread.value += 1;
  }

  /** Once the room is ours (again): what was said before, and what could not be said meanwhile. */
  async catchUp(): Promise<void> {
    chat.unsent(store.chat.value).forEach((entry) => void this.deliver(entry));
    const known = new Set(store.chat.value.map(({ id }) => id));
    let before: string | undefined;
    for (let page = 0; page < CATCH_UP_PAGES; page += 1) {
      const messages = await this.load(before);
      if (messages === null) return;
      const oldest = messages[0];
      if (messages.length < PAGE || !oldest || known.size === 0 || messages.some(({ id }) => known.has(id))) return;
      before = oldest.id;
    }
  }

  /** What was said before the oldest message shown. */
  async older(): Promise<void> {
    if (store.history.value === 'loading' || store.history.value === 'all') return;
    await this.load(chat.oldestId(store.chat.value));
  }

  reset(): void {
    store.chat.value = [];
    store.unread.value = 0;
    store.history.value = 'more';
  }

  /** Shows a page of history and returns it; null if there is none to be had. */
  private async load(before?: string): Promise<ChatMessage[] | null> {
    const former = store.history.value;
    store.history.value = 'loading';
    try {
      const answer = await this.client.request('chat_history', { limit: PAGE, ...(before === undefined ? {} : { before }) });
      const { messages } = answer;
      this.take(messages);
      // Without the service behind it the gateway knows the newest messages only.
      if (answer.partial === true) store.history.value = 'failed';
      else if (messages.length < PAGE) store.history.value = 'all';
      else store.history.value = former === 'all' ? 'all' : 'more';
      return messages;
    } catch (error) {
      store.history.value = 'failed';
      if (!(error instanceof SignalError && error.isLinkLoss)) store.toast('bad', 'Earlier messages could not be loaded.');
      return null;
    }
  }

  private take(messages: ChatMessage[]): void {
    const selfId = store.room.value?.selfId ?? '';
    store.chat.value = chat.merge(store.chat.value, messages, selfId, store.session.value?.userId ?? '');
  }

  private async deliver(entry: chat.ChatEntry): Promise<void> {
    const clientMessageId = entry.clientMessageId;
    if (!clientMessageId) return;
    try {
      await this.client.request('chat_message', { content: entry.content, clientMessageId });
      store.chat.value = chat.mark(store.chat.value, clientMessageId, 'sent');
    } catch (error) {
      // A lost connection is nobody's decision: it stays pending and goes out after the resume.
      if (error instanceof SignalError && error.isLinkLoss) return;
      const problem = error instanceof Error ? error.message : 'Could not be sent.';
      store.chat.value = chat.mark(store.chat.value, clientMessageId, 'failed', problem);
    }
  }
}
