import { io, type Manager, type Socket } from 'socket.io-client';
import { SignalError, unwrapAck } from '../protocol/errors';
import type { ClientToServerEvents, RequestAnswers, RequestEvent, RequestPayloads, ServerToClientEvents } from '../protocol/types';
import type { Direction } from '../state/eventLog';

export interface LinkObserver {
  onConnect(): void;
  onDisconnect(reason: string): void;
  onConnectError(message: string, willRetry: boolean): void;
  onTransport(name: string): void;
  record(direction: Direction, name: string, payload: unknown): void;
}

const ACK_TIMEOUT_MS = 8000;

/** One Socket.IO connection to the gateway: typed requests, the log of all events, and the cut. */
export class SignallingClient {
  private readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  private readonly manager: Manager;
  private restoreTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly observer: LinkObserver,
    resumeToken: () => string | null,
  ) {
    this.socket = io({
      path: '/socket.io/',
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: 250,
      reconnectionDelayMax: 3000,
      // Asked at every connect, so that it is always the newest token that goes out.
      auth: (send) => {
        const token = resumeToken();
        send(token === null ? {} : { resumeToken: token });
      },
    });
    this.manager = this.socket.io;
    this.observeLink();
    this.observeEvents();
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  get isCut(): boolean {
    return !this.manager.reconnection();
  }

  connect(): void {
    this.manager.reconnection(true);
    this.socket.connect();
  }

  on<E extends keyof ServerToClientEvents>(event: E, handler: ServerToClientEvents[E]): void {
    (this.socket as Socket).on(event as string, handler as (...args: unknown[]) => void);
  }

  /** Says goodbye: a DISCONNECT packet, which the gateway takes as leaving at once. */
  disconnect(): void {
    clearTimeout(this.restoreTimer);
    this.socket.disconnect();
  }

  /**
   * Drops the transport without a DISCONNECT packet, which to the gateway is a lost network, and
   * holds reconnection off until `restore`, by hand or after a while.
   */
  cut(restoreAfterMs: number | null): void {
    this.manager.reconnection(false);
    this.observer.record('sys', 'connection cut', { restoreAfterMs });
    this.manager.engine.close();
    clearTimeout(this.restoreTimer);
    if (restoreAfterMs !== null) this.restoreTimer = setTimeout(() => this.restore(), restoreAfterMs);
  }

  restore(): void {
    clearTimeout(this.restoreTimer);
    this.observer.record('sys', 'connection restored', undefined);
    this.connect();
  }

  /** Emits with an ack and waits for it. Never buffers: without a connection it fails at once. */
  async request<E extends RequestEvent>(event: E, payload: RequestPayloads[E], timeoutMs = ACK_TIMEOUT_MS): Promise<RequestAnswers[E]> {
    if (!this.socket.connected) throw new SignalError('LINK_LOST', 'Not connected.', true);
    const args = payload === undefined ? [] : [payload];
    let answer: unknown;
    try {
      answer = await (this.socket as Socket).timeout(timeoutMs).emitWithAck(event, ...args);
    } catch {
      const lost = !this.socket.connected;
      throw new SignalError(lost ? 'LINK_LOST' : 'TIMEOUT', lost ? 'The connection was lost.' : 'The gateway did not answer in time.', true);
    }
    this.observer.record('ack', event, answer);
    return unwrapAck<E>(answer);
  }

  private observeLink(): void {
    const { socket, manager, observer } = this;
    socket.on('connect', () => {
      observer.record('sys', 'connect', { id: socket.id, transport: manager.engine.transport.name });
      observer.onConnect();
    });
    socket.on('disconnect', (reason) => {
      observer.record('sys', 'disconnect', { reason });
      observer.onDisconnect(reason);
    });
    socket.on('connect_error', (error) => {
      observer.record('sys', 'connect_error', { message: error.message });
      observer.onConnectError(error.message, socket.active && !this.isCut);
    });
    manager.on('open', () => {
      const engine = manager.engine;
      observer.onTransport(engine.transport.name);
      engine.on('upgrade', (transport) => {
        observer.record('sys', 'transport upgrade', { transport: transport.name });
        observer.onTransport(transport.name);
      });
    });
  }

  private observeEvents(): void {
    const payloadOf = (args: unknown[]) => (args.length <= 1 ? args[0] : args);
    this.socket.onAny((event: string, ...args: unknown[]) => this.observer.record('in', event, payloadOf(args)));
    this.socket.onAnyOutgoing((event: string, ...args: unknown[]) => this.observer.record('out', event, payloadOf(args)));
  }
}
