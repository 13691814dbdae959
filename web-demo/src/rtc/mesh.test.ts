import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { IceProblem } from './ice';
import { Mesh, type MeshHooks } from './mesh';

/** As much of a connection as a mesh needs to set it up. */
class FakeConnection {
  static readonly made: FakeConnection[] = [];
  connectionState = 'connected';
  closed = false;
  onicecandidateerror: ((event: IceProblem) => void) | null = null;

  constructor(public configuration: RTCConfiguration) {
    FakeConnection.made.push(this);
  }

  setConfiguration(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }

  addTransceiver() {}

  createDataChannel() {
    return {};
  }

  close() {
    this.closed = true;
  }
}

const servers = (credential: string): RTCIceServer[] => [{ urls: 'turn:a', username: '1:me', credential }];
const problems: IceProblem[] = [];
const hooks: MeshHooks = {
  relay: () => undefined,
  changed: () => undefined,
  removed: () => undefined,
  direct: () => undefined,
  channelOpen: () => undefined,
  measured: () => undefined,
  iceProblem: (problem) => void problems.push(problem),
  online: () => true,
};
const plan = { startOver: false, drop: [], call: ['a', 'b'], expect: [] };

let mesh: Mesh;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('MediaStream', class {});
  vi.stubGlobal('RTCPeerConnection', FakeConnection);
  FakeConnection.made.length = problems.length = 0;
  mesh = new Mesh(() => ({ audio: null, video: null }), hooks);
  mesh.follow({ selfId: 'me', ice: { servers: servers('first'), relayOnly: false }, plan, producers: null });
});

afterEach(() => {
  mesh.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a mesh', () => {
  test('makes its connections with the servers of the gateway', () => {
    expect(FakeConnection.made.map(({ configuration }) => configuration)).toEqual(
      ['a', 'b'].map(() => ({ iceServers: servers('first'), iceTransportPolicy: 'all', bundlePolicy: 'max-bundle' })),
    );
  });

  test('takes newer credentials without touching what is up', () => {
    mesh.configure({ servers: servers('second'), relayOnly: false });
    expect(FakeConnection.made.map(({ configuration }) => configuration.iceServers)).toEqual([servers('second'), servers('second')]);
    mesh.follow({ selfId: 'me', ice: { servers: servers('third'), relayOnly: false }, plan: { ...plan, call: [] }, producers: null });
    expect(FakeConnection.made.map(({ configuration }) => configuration.iceServers)).toEqual([servers('third'), servers('third')]);
    expect(FakeConnection.made.every(({ closed }) => !closed)).toBe(true);
  });

  test('calls anew when only relays may be used, and when they need not be any more', () => {
    const open = () => FakeConnection.made.filter(({ closed }) => !closed).map(({ configuration }) => configuration.iceTransportPolicy);
    mesh.configure({ servers: servers('first'), relayOnly: true });
    expect(open()).toEqual(['relay', 'relay']);
    mesh.configure({ servers: servers('second'), relayOnly: true });
    expect(FakeConnection.made).toHaveLength(4);
    mesh.configure({ servers: servers('second'), relayOnly: false });
    expect(open()).toEqual(['all', 'all']);
  });

  test('passes on what a server is blamed for', () => {
    const problem = { url: 'turn:a', errorCode: 401, errorText: 'Unauthorized' };
    FakeConnection.made[0]?.onicecandidateerror?.(problem);
    expect(problems).toEqual([problem]);
  });
});
