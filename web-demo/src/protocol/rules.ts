/** What the gateway accepts, checked here first so that people get a kind answer at once. */

const ROOM_CODE = /^[A-Za-z0-9_-]{1,64}$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export const NAME_MAX = 40;
export const CHAT_MAX = 2000;

export function isRoomCode(value: string): boolean {
  return ROOM_CODE.test(value);
}

export function roomCodeProblem(value: string): string | null {
  if (value === '') return 'Enter a room code, or let us make one up.';
  if (value.length > 64) return 'A room code has at most 64 characters.';
  return isRoomCode(value) ? null : 'Use only letters, digits, “-” and “_”.';
}

export function nameProblem(value: string): string | null {
  const name = value.trim();
  if (name === '') return 'Enter the name others should see.';
  if (CONTROL.test(name)) return 'That name contains characters that cannot be shown.';
  return [...name].length > NAME_MAX ? `A name has at most ${NAME_MAX} characters.` : null;
}

/** Accepts a bare code or a pasted link that carries `?room=`. */
export function roomCodeFrom(input: string): string {
  const text = input.trim();
  if (!text.includes('://')) return text;
  try {
    return new URL(text).searchParams.get('room') ?? text;
  } catch {
    return text;
  }
}

export function roomLink(base: string, code: string): string {
  const url = new URL(base);
  url.search = '';
  url.hash = '';
  url.searchParams.set('room', code);
  return url.toString();
}

const CONSONANTS = 'bdfghklmnprstvz';
const VOWELS = 'aeiou';

/** Pronounceable, so that it can be read out over the phone: `mika-zuno-47`. */
export function makeRoomCode(random: () => number = secureRandom): string {
  const pick = (set: string) => set.charAt(Math.floor(random() * set.length));
  const syllables = () => pick(CONSONANTS) + pick(VOWELS) + pick(CONSONANTS) + pick(VOWELS);
  return `${syllables()}-${syllables()}-${10 + Math.floor(random() * 90)}`;
}

function secureRandom(): number {
  const word = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return word / 2 ** 32;
}
