import { io } from 'socket.io-client';
import msgpackParser from 'socket.io-msgpack-parser';
import { Recorder } from '../../clients/lib/recorder.js';
import { within } from '../../clients/lib/wait.js';

/** What the Admin UI keeps of the sockets it is told of, as its store does. */
export class Operator {
  /** Sockets of the namespace `/` by id. @type {Map<string, any>} */
  sockets = new Map();
  sessionId = '';

  constructor(socket) {
    this.socket = socket;
    this.recorder = new Recorder('the operator');
    socket.onAny((event, ...args) => {
      this.#keep(event, args);
      this.recorder.add(event, args);
    });
    this.ended = new Promise((resolve) => socket.on('disconnect', resolve));
  }

  #keep(event, args) {
    const [first, second, id] = args;
    if (event === 'session') this.sessionId = first;
    if (event === 'all_sockets') this.sockets = new Map(first.map((socket) => [socket.id, socket]));
    if (event === 'socket_connected') this.sockets.set(first.id, first);
    if (event === 'socket_updated') Object.assign(this.sockets.get(first.id), first);
    if (event === 'socket_disconnected') this.sockets.delete(second);
    if (event === 'room_joined') this.sockets.get(id)?.rooms.push(second);
    if (event === 'room_left') this.sockets.get(id).rooms = this.sockets.get(id).rooms.filter((room) => room !== second);
  }

  event(event, matches, mark) {
    return this.recorder.wait(event, matches, mark);
  }

  /** The users whose sockets it knows in a room. */
  in(room) {
    return [...this.sockets.values()].filter(({ rooms }) => rooms.includes(room)).map(({ data }) => data.userId).sort();
  }

  send(...event) {
    this.socket.emit(...event);
  }
}

/**
 * Connects as the Admin UI does, and rejects with what it is told otherwise.
 * @param {{after: (work: () => void) => void}} t @param {{url: string}} node
 * @param {{auth?: object, transports?: string[], parser?: 'msgpack', headers?: object}} options
 */
export async function look(t, node, { auth, transports = ['polling', 'websocket'], parser, headers } = {}) {
  const socket = io(`${node.url}/admin`, {
    forceNew: true, reconnection: false, autoConnect: false, transports, auth, extraHeaders: headers,
    ...(parser ? { parser: msgpackParser } : {}),
  });
  t.after(() => socket.disconnect());
  const operator = new Operator(socket);
  const open = new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  socket.connect();
  await within(open, 'the operator to be let in');
  return operator;
}
