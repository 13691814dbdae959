import { once } from 'node:events';
import { connect } from 'node:net';
import { within } from '../../clients/lib/wait.js';

/** As much of RESP2 as tests need: commands, their answers, and MONITOR. */
export class RespClient {
  #waiting = [];
  #buffer = '';
  /** Called with what comes without having been asked for. @type {(value: any) => void} */
  onPush = () => {};

  /** @param {number} port */
  static async connect(port) {
    const client = new RespClient();
    client.socket = connect({ port, host: '127.0.0.1' });
    // One character per byte, so that lengths are right whatever the text is.
    client.socket.setEncoding('latin1');
    client.socket.on('data', (data) => client.#receive(data));
    client.socket.on('error', () => {});
    client.socket.on('close', () => client.#fail());
    await once(client.socket, 'connect');
    return client;
  }

  /** @param {...(string | number)} words */
  command(...words) {
    const parts = words.map((word) => Buffer.from(String(word)));
    const frame = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]);
    const answer = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...frame]));
    return within(answer, `Redis to answer ${words.slice(0, 3).join(' ')}`);
  }

  close() {
    this.socket.destroy();
  }

  #fail() {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection to Redis was closed'));
  }

  #receive(data) {
    this.#buffer += data;
    for (;;) {
      const parsed = parse(this.#buffer, 0);
      if (!parsed) return;
      this.#buffer = this.#buffer.slice(parsed.end);
      this.#deliver(parsed.value);
    }
  }

  #deliver(value) {
    const waiter = this.#waiting.shift();
    if (!waiter) return this.onPush(value);
    return value instanceof Error ? waiter.reject(value) : waiter.resolve(value);
  }
}

const utf8 = (text) => Buffer.from(text, 'latin1').toString('utf8');

/** @returns {{value: any, end: number} | null} null while incomplete */
function parse(text, start) {
  const newline = text.indexOf('\r\n', start);
  if (newline < 0) return null;
  const line = text.slice(start + 1, newline);
  const end = newline + 2;
  switch (text[start]) {
    case '+': return { value: utf8(line), end };
    case '-': return { value: new Error(utf8(line)), end };
    case ':': return { value: Number(line), end };
    case '$': return parseBulk(text, end, Number(line));
    case '*': return parseArray(text, end, Number(line));
    default: throw new Error(`not RESP: ${line}`);
  }
}

function parseBulk(text, start, length) {
  if (length < 0) return { value: null, end: start };
  if (text.length < start + length + 2) return null;
  return { value: utf8(text.slice(start, start + length)), end: start + length + 2 };
}

function parseArray(text, start, length) {
  if (length < 0) return { value: null, end: start };
  const value = [];
  let end = start;
  for (let n = 0; n < length; n += 1) {
    const item = parse(text, end);
    if (!item) return null;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
