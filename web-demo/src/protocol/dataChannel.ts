/** What two demo pages tell each other directly, without the gateway. */

export interface MediaState {
  mic: boolean;
  cam: boolean;
  screen: boolean;
}

export type DirectMessage = ({ kind: 'media' } & MediaState) | { kind: 'reaction'; emoji: string };

export const CHANNEL_LABEL = 'switchboard-demo';
export const REACTIONS = ['👋', '👍', '🎉', '❤️', '😂'] as const;

export function encodeDirect(message: DirectMessage): string {
  return JSON.stringify(message);
}

/** The other side is not trusted: anything of another shape is dropped. */
export function decodeDirect(data: unknown): DirectMessage | null {
  if (typeof data !== 'string' || data.length > 500) return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const m = value as Record<string, unknown>;
  if (m.kind === 'media' && typeof m.mic === 'boolean' && typeof m.cam === 'boolean' && typeof m.screen === 'boolean') {
    return { kind: 'media', mic: m.mic, cam: m.cam, screen: m.screen };
  }
  if (m.kind === 'reaction' && REACTIONS.some((r) => r === m.emoji)) {
    return { kind: 'reaction', emoji: m.emoji as string };
  }
  return null;
}
