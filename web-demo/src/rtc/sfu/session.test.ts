import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SignalError } from '../../protocol/errors';
import type { ProducerInfo } from '../../protocol/types';
import { NO_ICE } from '../ice';
import type { Surroundings } from '../session';
import type { Source } from './announced';
import { SfuRequests, type Ask } from './requests';
import type { Outgoing } from './senders';
import { SfuSession, type SfuHooks, type SfuPeer } from './session';

type Listener = (...args: never[]) => void;
const transports = vi.hoisted(() => [] as FakeTransport[]);

/** As much of mediasoup-client's transport as a session needs. */
class FakeTransport {
  connectionState = 'connected';
  closed = false;
  readonly producers: { paused: boolean }[] = [];
  private readonly listeners = new Map<string, Listener>();

  servers: unknown = null;

  constructor(
    readonly id: string,
    readonly policy: unknown,
  ) {}

  async updateIceServers({ iceServers }: { iceServers: unknown }) {
    this.servers = iceServers;
  }

  on(event: string, listener: Listener) {
    this.listeners.set(event, listener);
  }

  async produce({ track, appData }: { track: { kind: string }; appData: object }) {
    const emit = this.listeners.get('produce') as unknown as (what: object, done: (answer: { id: string }) => void, failed: (error: Error) => void) => void;
    const { id } = await new Promise<{ id: string }>((done, failed) => emit({ kind: track.kind, rtpParameters: {}, appData }, done, failed));
    const producer = { id, track, paused: false, localId: id, pause: () => (producer.paused = true), resume: () => (producer.paused = false), close: () => undefined };
    this.producers.push(producer);
    return producer;
  }

  async consume({ id, producerId }: { id: string; producerId: string }) {
    const consumer = { id, producerId, closed: false, localId: id, track: { id }, close: () => (consumer.closed = true) };
    return consumer;
  }

  close() {
    this.closed = true;
  }
}

vi.mock('mediasoup-client', () => {
  const make = ({ id, iceTransportPolicy }: { id: string; iceTransportPolicy: unknown }) => {
    const transport = new FakeTransport(id, iceTransportPolicy);
    transports.push(transport);
    return transport;
  };
  const device = { load: async () => undefined, recvRtpCapabilities: {}, createSendTransport: make, createRecvTransport: make };
  return { Device: { factory: async () => device } };
});

class FakeStream {
  private readonly tracks = new Set<object>();
  getTracks = () => [...this.tracks];
  addTrack = (track: object) => void this.tracks.add(track);
  removeTrack = (track: object) => void this.tracks.delete(track);
}

/** A gateway that does as it is told, and can be told to fail. */
class FakeGateway {
  readonly asked: [event: string, payload: Record<string, unknown>][] = [];
  readonly failing = new Map<string, SignalError>();
  private readonly holds = new Map<string, Promise<void>>();
  producers: ProducerInfo[] = [];
  private serial = 0;

  readonly ask: Ask = async (event, payload) => {
    this.asked.push([event, (payload ?? {}) as Record<string, unknown>]);
    const hold = this.holds.get(event);
    this.holds.delete(event);
    await hold;
    const failure = this.failing.get(event);
    if (failure) throw failure;
    const producerId = (payload as { producerId?: string } | undefined)?.producerId;
    return { status: 'ok', id: `${event}-${++this.serial}`, producerId, producers: this.producers, rtpParameters: {} } as never;
  };

  /** The next answer of this kind comes, or fails, when it is told to. */
  hold(event: string): { answer(): void; fail(error: Error): void } {
    const control = { answer: () => undefined as void, fail: (_: Error) => undefined as void };
    this.holds.set(event, new Promise((resolve, reject) => Object.assign(control, { answer: resolve, fail: reject })));
    return control;
  }

  times(event: string): number {
    return this.asked.filter(([name]) => name === event).length;
  }
}

const refusal = (code: string, retryable = false) => new SignalError(code, code, retryable);
const AWAY = refusal('MEDIA_UNAVAILABLE', true);
const producer = (producerId: string, kind: 'audio' | 'video' = 'video'): ProducerInfo => ({ producerId, peerId: 'a', kind, appData: {} });
const surroundings = (producers: ProducerInfo[] | null = null): Surroundings => ({
  selfId: 'me',
  ice: NO_ICE,
  plan: { startOver: false, drop: [], call: [], expect: ['a'] },
  producers,
});

let gateway: FakeGateway;
let session: SfuSession;
let tracks: Map<Source, Outgoing>;
let peers: Map<string, SfuPeer>;
const problems: string[] = [];
const hooks: SfuHooks = {
  changed: (id, peer) => void peers.set(id, peer),
  removed: (id) => void peers.delete(id),
  measured: () => undefined,
  noted: () => undefined,
  problem: (text) => void problems.push(text),
  iceProblem: () => undefined,
  online: () => true,
};

const track = (kind: string) => ({ kind, readyState: 'live', getSettings: () => ({}) }) as unknown as MediaStreamTrack;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('MediaStream', FakeStream);
  gateway = new FakeGateway();
  tracks = new Map([['mic', { track: track('audio'), paused: false }]]);
  peers = new Map();
  problems.length = transports.length = 0;
  session = new SfuSession(new SfuRequests(gateway.ask), () => tracks, hooks);
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a session with a media server', () => {
  test('sends what there is, and consumes each producer once, however it is heard of', async () => {
    gateway.producers = [producer('v')];
    session.follow(surroundings());
    session.takeProducer(producer('v'));
    await settle();
    session.takeProducer(producer('v'));
    session.follow(surroundings([producer('v')]));
    await settle();
    expect(gateway.times('sfu_consume')).toBe(1);
    expect(gateway.times('sfu_produce')).toBe(1);
    expect(peers.get('a')).toMatchObject({ state: 'connected', media: { cam: true, mic: false } });
  });

  test('gives newer credentials to the transports that there are', async () => {
    session.follow(surroundings([]));
    await settle();
    const servers = [{ urls: 'turn:a', username: '2:me', credential: 'new' }];
    session.configure({ servers, relayOnly: false });
    await settle();
    expect(transports.map(({ servers, closed }) => [servers, closed])).toEqual([[servers, false], [servers, false]]);
  });

  test('changes over to transports that go another way, as often as that is asked for', async () => {
    session.follow(surroundings([producer('v')]));
    await settle();
    for (let turn = 0; turn < 8; turn += 1) {
      session.configure({ servers: [], relayOnly: turn % 2 === 0 });
      await vi.advanceTimersByTimeAsync(5000);
    }
    const open = transports.filter(({ closed }) => !closed);
    expect(open.map(({ policy }) => policy)).toEqual(['all', 'all']);
    expect(transports.map(({ policy }) => policy).slice(0, 4)).toEqual(['all', 'all', 'relay', 'relay']);
    expect(problems).toEqual([]);
    expect(peers.get('a')).toMatchObject({ state: 'connected' });
  });

  test('goes the way that was chosen while transports were being made', async () => {
    const making = gateway.hold('sfu_create_transport');
    session.follow(surroundings([]));
    await settle();
    session.configure({ servers: [], relayOnly: true });
    making.answer();
    await vi.advanceTimersByTimeAsync(1000);
    const open = transports.filter(({ closed }) => !closed);
    expect(open.map(({ policy }) => policy)).toEqual(['relay', 'relay']);
  });

  test('lets the media server send only once there is a consumer to take it', async () => {
    session.follow(surroundings([producer('v')]));
    await settle();
    const names = gateway.asked.map(([event]) => event);
    expect(names.indexOf('sfu_resume_consumer')).toBeGreaterThan(names.indexOf('sfu_consume'));
    expect(gateway.asked.find(([event]) => event === 'sfu_resume_consumer')?.[1].consumerId).toMatch(/^sfu_consume/);
  });

  test('is built as soon as a media server that was away is back, and says once that it is away', async () => {
    gateway.failing.set('sfu_get_router_capabilities', AWAY);
    session.follow(surroundings([producer('v')]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.times('sfu_get_router_capabilities')).toBeGreaterThan(10);
    expect(gateway.times('sfu_create_transport')).toBe(0);
    expect(problems).toHaveLength(1);
    expect(peers.get('a')?.state).toBe('connecting');
    gateway.failing.clear();
    await vi.advanceTimersByTimeAsync(5000);
    expect(peers.get('a')?.state).toBe('connected');
  });

  test('waits while the line to the gateway is cut, and keeps what it has', async () => {
    session.follow(surroundings());
    await settle();
    gateway.failing.set('sfu_pause_producer', refusal('LINK_LOST', true));
    tracks.set('mic', { ...tracks.get('mic')!, paused: true });
    session.updateTracks();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.times('sfu_pause_producer')).toBe(1);
    gateway.failing.clear();
    session.follow(surroundings([]));
    await settle();
    expect(gateway.times('sfu_pause_producer')).toBe(2);
    expect(transports.map(({ closed }) => closed)).toEqual([false, false]);
  });

  test('begins anew, with all of its tracks, when its transports are not its own any more', async () => {
    session.follow(surroundings([producer('v')]));
    await settle();
    gateway.failing.set('sfu_consume', refusal('FORBIDDEN'));
    session.takeProducer(producer('m', 'audio'));
    await settle();
    expect(transports.map(({ closed }) => closed)).toEqual([true, true]);
    gateway.failing.clear();
    gateway.producers = [producer('v'), producer('m', 'audio'), { ...producer('unheard'), appData: { source: 'screen' } }];
    await vi.advanceTimersByTimeAsync(5000);
    expect(transports.map(({ closed }) => closed)).toEqual([true, true, false, false]);
    expect(gateway.times('sfu_produce')).toBe(2);
    expect(gateway.times('sfu_close_producer')).toBe(1);
    expect(peers.get('a')).toMatchObject({ state: 'connected', media: { mic: true, cam: true, screen: true } });
  });

  test('does not begin anew for what fails late of the time before', async () => {
    const producing = gateway.hold('sfu_produce');
    gateway.failing.set('sfu_consume', refusal('FORBIDDEN'));
    session.follow(surroundings([producer('v')]));
    await settle();
    gateway.failing.clear();
    await vi.advanceTimersByTimeAsync(5000);
    producing.fail(refusal('FORBIDDEN'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(transports.map(({ closed }) => closed)).toEqual([true, true, false, false]);
    expect(gateway.times('sfu_produce')).toBe(2);
  });

  test('gives up after a number of transports that did not help, and then leaves the gateway alone', async () => {
    gateway.failing.set('sfu_produce', refusal('FORBIDDEN'));
    session.follow(surroundings());
    await vi.advanceTimersByTimeAsync(120_000);
    expect(gateway.times('sfu_create_transport')).toBeLessThanOrEqual(16);
    expect(transports.every(({ closed }) => closed)).toBe(true);
    expect(peers.get('a')?.state).toBe('failed');
    const { length } = gateway.asked;
    session.updateTracks();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(gateway.asked).toHaveLength(length);
  });

  test('goes on without a track that is not taken, and tries one that comes after it', async () => {
    tracks = new Map([['cam', { track: track('video'), paused: false }]]);
    gateway.failing.set('sfu_produce', refusal('MEDIA_REJECTED'));
    session.follow(surroundings());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(gateway.times('sfu_produce')).toBe(2);
    expect(problems).toEqual(['The media server does not take your camera.']);
    gateway.failing.clear();
    tracks.set('mic', { track: track('audio'), paused: false });
    session.updateTracks();
    await settle();
    expect(gateway.times('sfu_produce')).toBe(3);
    tracks.delete('cam');
    session.updateTracks();
    await settle();
    tracks.set('cam', { track: track('video'), paused: false });
    session.updateTracks();
    await settle();
    expect(gateway.times('sfu_produce')).toBe(4);
  });

  test('does not hold on to a producer that was closed while it was being consumed', async () => {
    session.follow(surroundings([]));
    await settle();
    const consuming = gateway.hold('sfu_consume');
    session.takeProducer(producer('v'));
    await settle();
    session.takeClosed({ producerId: 'v', peerId: 'a' });
    consuming.answer();
    await settle();
    expect(gateway.times('sfu_resume_consumer')).toBe(0);
    expect(peers.get('a')).toMatchObject({ state: 'connected', media: { cam: false } });
  });

  test('has no producer for somebody muted before the first word, and then pauses it', async () => {
    const mic = tracks.get('mic')!;
    tracks.set('mic', { ...mic, paused: true });
    session.follow(surroundings());
    await settle();
    expect(gateway.times('sfu_produce')).toBe(0);
    for (const paused of [false, true, false]) {
      tracks.set('mic', { ...mic, paused });
      session.updateTracks();
      session.updateTracks();
      await settle();
      expect(transports.flatMap(({ producers }) => producers)).toMatchObject([{ paused }]);
    }
    expect(gateway.asked.map(([event]) => event).filter((event) => /produce/.test(event))).toEqual(['sfu_get_producers', 'sfu_produce', 'sfu_pause_producer', 'sfu_resume_producer']);
  });

  test('closed while it is being built, leaves nothing open', async () => {
    const creating = gateway.hold('sfu_create_transport');
    session.follow(surroundings());
    await settle();
    session.close();
    creating.answer();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(transports.map(({ closed }) => closed)).toEqual([true, true]);
    expect(gateway.times('sfu_produce')).toBe(0);
    expect(peers.size).toBe(0);
  });
});
