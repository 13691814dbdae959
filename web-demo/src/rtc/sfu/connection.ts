import type { types as mediasoup } from 'mediasoup-client';
import type { SignalError } from '../../protocol/errors';
import { iceConfiguration, type IceProblem, type IceSettings } from '../ice';
import type { Source } from './announced';
import { Receivers } from './receivers';
import { remedyForTransport, type TransportRemedy } from './remedies';
import type { SfuRequests } from './requests';
import { Senders } from './senders';

export interface ConnectionHooks {
  /** The state of a transport, or what is received of a peer, has changed. */
  transportChanged(): void;
  receiving(peerId: string): void;
  iceProblem(problem: IceProblem): void;
  /** The media server does not take a track; true to go on without it. */
  rejected(source: Source, error: SignalError): boolean;
}

const PROVEN_MS = 20_000;

/** One transport and what has become of it. */
class Way {
  private since = performance.now();
  private brokenSince: number | null = null;
  private restartedAt = -Infinity;

  constructor(
    readonly transport: mediasoup.Transport,
    private readonly requests: SfuRequests,
    hooks: ConnectionHooks,
  ) {
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      requests.connectTransport(transport.id, dtlsParameters).then(done, failed);
    });
    transport.on('connectionstatechange', (state) => {
      this.since = performance.now();
      if (state === 'connected') this.brokenSince = null;
      else if (state !== 'new') this.brokenSince ??= this.since;
      hooks.transportChanged();
    });
    transport.on('icecandidateerror', ({ url, errorCode, errorText }) => hooks.iceProblem({ url, errorCode, errorText }));
  }

  remedy(online: boolean): TransportRemedy {
    const now = performance.now();
    return remedyForTransport({
      state: this.transport.connectionState,
      forMs: now - this.since,
      brokenMs: this.brokenSince === null ? 0 : now - this.brokenSince,
      online,
      restartedAgoMs: now - this.restartedAt,
    });
  }

  async restartIce(): Promise<void> {
    this.restartedAt = performance.now();
    const iceParameters = await this.requests.restartIce(this.transport.id);
    await this.transport.restartIce({ iceParameters });
  }
}

/**
 * One time that this page is connected with the media server: a device, a transport each way, and
 * what goes over them. When any of it is void all of it is replaced.
 */
export class SfuConnection {
  readonly senders: Senders;
  readonly receivers: Receivers;
  private readonly ways: Way[];
  private readonly openedAt = performance.now();

  private constructor(
    readonly send: mediasoup.Transport,
    readonly recv: mediasoup.Transport,
    rtpCapabilities: mediasoup.RtpCapabilities,
    requests: SfuRequests,
    hooks: ConnectionHooks,
  ) {
    this.ways = [send, recv].map((transport) => new Way(transport, requests, hooks));
    this.senders = new Senders(send, requests, (source, error) => hooks.rejected(source, error));
    this.receivers = new Receivers(recv, rtpCapabilities, requests, (peerId) => hooks.receiving(peerId));
  }

  static async open(requests: SfuRequests, ice: IceSettings, hooks: ConnectionHooks): Promise<SfuConnection> {
    const routerRtpCapabilities = await requests.capabilities();
    // Rooms without a media server do without its client library too.
    const { Device } = await import('mediasoup-client');
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities });
    const [send, recv] = await Promise.all([requests.createTransport('send'), requests.createTransport('recv')]);
    return new SfuConnection(
      device.createSendTransport({ ...send, ...iceConfiguration(ice) }),
      device.createRecvTransport({ ...recv, ...iceConfiguration(ice) }),
      device.recvRtpCapabilities,
      requests,
      hooks,
    );
  }

  /** For the next time that a path is looked for. */
  async updateServers(iceServers: RTCIceServer[]): Promise<void> {
    await Promise.all([this.send, this.recv].map((transport) => transport.updateIceServers({ iceServers })));
  }

  /** What the worse of both transports needs. */
  remedy(online: boolean): TransportRemedy {
    const remedies = this.ways.map((way) => way.remedy(online));
    return remedies.find((r) => r === 'rebuild') ?? remedies.find((r) => r === 'restart-ice') ?? 'none';
  }

  async restartIce(): Promise<void> {
    const broken = this.ways.filter((way) => way.remedy(true) === 'restart-ice');
    await Promise.all(broken.map((way) => way.restartIce()));
  }

  /** It has worked for long enough to say that it does. */
  get proven(): boolean {
    const connected = this.ways.some(({ transport }) => transport.connectionState === 'connected');
    return connected && performance.now() - this.openedAt > PROVEN_MS;
  }

  close(): void {
    this.send.close();
    this.recv.close();
  }
}
