import { SignalError } from '../protocol/errors';
import type { ChatMessage } from '../protocol/types';
import type { SignallingClient } from '../signalling/client';
import * as chat from '../state/chat';
import * as store from '../state/store';

const HISTORY_LIMIT = 100;

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
    try {
      const answer = await this.client.request('chat_history', { limit: HISTORY_LIMIT });
      if (Array.isArray(answer.messages)) this.take(answer.messages as ChatMessage[]);
    } catch (error) {
      if (error instanceof SignalError && error.isLinkLoss) return;
      store.toast('bad', 'Earlier messages could not be loaded.');
    }
  }

  reset(): void {
    store.chat.value = [];
    store.unread.value = 0;
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
