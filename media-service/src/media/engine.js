import { findWorker, installedMediasoup } from './worker-bin.js';

/**
 * Everything that differs between the versions of mediasoup is here: 3.8 (Debian's worker) takes
 * `listenIps`, `announcedIp` and numbers of SCTP streams, and has one port range per worker;
 * since 3.14 it is `listenInfos`, `announcedAddress` and a port range with each of them.
 * @see https://mediasoup.org/documentation/v3/mediasoup/api/#WebRtcTransportOptions
 */
const LISTEN_INFOS_SINCE = [3, 14];
/** What mediasoup sends to a client before it has measured anything, in bits per second. */
const INITIAL_OUTGOING_BITRATE = 1_000_000;
/** Workers start in a fraction of a second; one of another version may never say that it has. */
const START_TIMEOUT_MS = 10_000;

/** @param {string} version @param {number[]} since */
function isAtLeast(version, since) {
  const [major, minor] = version.split('.').map(Number);
  return major > since[0] || (major === since[0] && minor >= since[1]);
}

export class Engine {
  #mediasoup;
  #settings;
  #hasListenInfos;

  /**
   * @param {typeof import('mediasoup')} mediasoup
   * @param {string} version of mediasoup
   * @param {{listenIp: string, announcedAddress?: string, rtcMinPort: number, rtcMaxPort: number}} settings
   */
  constructor(mediasoup, version, settings) {
    this.#mediasoup = mediasoup;
    this.version = version;
    this.#settings = settings;
    this.#hasListenInfos = isAtLeast(version, LISTEN_INFOS_SINCE);
  }

  /** Loads mediasoup with the worker there is. */
  static async load(settings) {
    const version = installedMediasoup();
    const workerBin = findWorker(process.env, version);
    // mediasoup reads this when it is loaded, and never again.
    if (workerBin) process.env.MEDIASOUP_WORKER_BIN = workerBin;
    const module = await import('mediasoup');
    return new Engine(module.createWorker ? module : module.default, version, settings);
  }

  /** Where the worker is looked for, for people. */
  get workerBin() {
    return process.env.MEDIASOUP_WORKER_BIN || 'the one of the npm package mediasoup';
  }

  /** Starts a worker process. Rejects when it does not come up. */
  async createWorker() {
    const { rtcMinPort, rtcMaxPort } = this.#settings;
    const range = this.#hasListenInfos ? {} : { rtcMinPort, rtcMaxPort };
    const starting = deafToSignals(() => this.#mediasoup.createWorker({ logLevel: 'error', ...range }));
    let timer;
    const expiry = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the worker did not start in ${START_TIMEOUT_MS} ms`));
        starting.then((worker) => worker.close(), () => {});
      }, START_TIMEOUT_MS);
    });
    return Promise.race([starting, expiry]).finally(() => clearTimeout(timer));
  }

  /**
   * Options of `router.createWebRtcTransport()`: UDP and TCP, and SCTP where it is asked for.
   * @param {{numStreams?: {OS: number, MIS: number}}} [sctpCapabilities]
   */
  transportOptions(sctpCapabilities) {
    return {
      ...this.#listening(),
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BITRATE,
      ...this.#sctp(sctpCapabilities),
    };
  }

  #listening() {
    const { listenIp: ip, announcedAddress, rtcMinPort: min, rtcMaxPort: max } = this.#settings;
    if (!this.#hasListenInfos) return { listenIps: [{ ip, announcedIp: announcedAddress }] };
    const info = { ip, announcedAddress, portRange: { min, max } };
    return { listenInfos: [{ ...info, protocol: 'udp' }, { ...info, protocol: 'tcp' }] };
  }

  #sctp(sctpCapabilities) {
    if (!sctpCapabilities) return {};
    const { numStreams } = sctpCapabilities;
    return this.#hasListenInfos || !numStreams
      ? { enableSctp: true }
      : { enableSctp: true, numSctpStreams: numStreams };
  }
}

/**
 * Newer versions close each of their workers at the first signal. Calls shall live on for the time
 * of grace, so what they have registered meanwhile is taken away again.
 * @template T @param {() => T} start @returns {T}
 */
function deafToSignals(start) {
  const signals = ['SIGINT', 'SIGTERM'];
  const before = signals.map((name) => new Set(process.listeners(name)));
  try {
    return start();
  } finally {
    for (const [index, name] of signals.entries()) {
      const added = process.listeners(name).filter((listener) => !before[index].has(listener));
      for (const listener of added) process.removeListener(name, listener);
    }
  }
}

/**
 * Candidates as every mediasoup-client understands them: older versions of mediasoup call the
 * address `ip` only.
 */
export function iceCandidates(transport) {
  return transport.iceCandidates.map((candidate) => ({
    ...candidate,
    address: candidate.address ?? candidate.ip,
  }));
}
