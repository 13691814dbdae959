import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism, networkInterfaces } from 'node:os';
import { LOG_LEVELS } from './log.js';

/** What is wrong with the environment, all of it. */
export class ConfigError extends Error {
  /** @param {string[]} mistakes */
  constructor(mistakes) {
    super(`invalid configuration:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** RFC 1123, section 2.1. */
const HOST_NAME = /^(?=.{1,253}$)(?!-)[A-Za-z\d-]{1,63}(?<!-)(\.(?!-)[A-Za-z\d-]{1,63}(?<!-))*\.?$/;

const ANY = ['0.0.0.0', '::'];
const ownAddresses = () => Object.values(networkInterfaces()).flat();

const number = (min, max) => (text) => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`must be a number from ${min} to ${max}`);
  return value;
};
const host = (text) => {
  if (!isIP(text) && !HOST_NAME.test(text)) throw new Error('must be an IP address or a host name');
  return text;
};
const listenIp = (text) => {
  const own = ownAddresses();
  // The loopback address is the last resort of a machine without a network.
  if (text === 'auto') return own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
  if (!isIP(text)) throw new Error('must be an IP address or auto');
  const known = ANY.includes(text) || text.startsWith('127.') || own.some(({ address }) => address === text);
  if (!known) throw new Error('must be an address of this machine');
  return text;
};
const level = (text) => {
  if (!LOG_LEVELS.includes(text)) throw new Error(`must be one of ${LOG_LEVELS.join(', ')}`);
  return text;
};
const executable = (text) => {
  try {
    accessSync(text, constants.X_OK);
  } catch {
    throw new Error('must name an executable file');
  }
  return text;
};

/** All settings: environment variable, key, default, what it must be, what it sets. */
export const SETTINGS = [
  ['HOST', 'host', '127.0.0.1', host,
    'Address or host name of the HTTP API. It has no authentication: keep it among your own'],
  ['PORT', 'port', '4000', number(0, 65_535),
    'TCP port of the HTTP API; 0 takes any free one'],
  ['LISTEN_IP', 'listenIp', 'auto', listenIp,
    'Address that media comes in at; auto takes the first of this machine that is not a loopback one'],
  ['ANNOUNCED_ADDRESS', 'announcedAddress', undefined, host,
    'Address that clients are told instead of LISTEN_IP, behind NAT and in containers'],
  ['RTC_MIN_PORT', 'rtcMinPort', '40000', number(1024, 65_535),
    'First port for media, UDP and TCP; each transport takes one of both'],
  ['RTC_MAX_PORT', 'rtcMaxPort', '49999', number(1024, 65_535),
    'Last port for media'],
  ['MEDIA_WORKERS', 'workers', undefined, number(1, 256),
    'Worker processes [default: one per core]'],
  ['MEDIASOUP_WORKER_BIN', 'workerBin', undefined, executable,
    'Worker program [default: Debian\'s if it fits, else that of the npm package]'],
  // mediasoup itself gives up after 15 seconds.
  ['WORKER_TIMEOUT_MS', 'workerTimeoutMs', '5000', number(100, 14_000),
    'Time a worker has to give a sign of life, twice in a row, before it is killed and replaced, in milliseconds'],
  ['MAX_ROOMS', 'maxRooms', '1000', number(1, 1_000_000),
    'Most rooms'],
  ['MAX_PEERS_PER_ROOM', 'maxPeersPerRoom', '200', number(1, 100_000),
    'Most broadcasters in a room'],
  ['MAX_TRANSPORTS', 'maxTransports', '16', number(1, 1000),
    'Most transports of a broadcaster'],
  ['MAX_PRODUCERS', 'maxProducers', '32', number(1, 1000),
    'Most producers of a broadcaster'],
  ['MAX_CONSUMERS', 'maxConsumers', '2048', number(1, 100_000),
    'Most consumers of a broadcaster'],
  ['MAX_INCOMING_BITRATE', 'maxIncomingBitrate', '5000000', number(0, 1_000_000_000),
    'Most that a transport may send to this service, in bits per second; 0 sets no limit'],
  ['PEER_IDLE_S', 'peerIdleS', '86400', number(0, 2_000_000),
    'How long a broadcaster may neither make requests nor send media before it is removed, in seconds; 0 never removes one'],
  ['MAX_BODY_BYTES', 'maxBodyBytes', '262144', number(1024, 16_777_216),
    'Largest request body, in bytes'],
  ['SHUTDOWN_GRACE_MS', 'shutdownGraceMs', '3000', number(0, 600_000),
    'How long calls go on after SIGTERM, so that gateways can move them, in milliseconds'],
  ['LOG_LEVEL', 'logLevel', 'info', level,
    `Least level that is logged: ${LOG_LEVELS.join(', ')}`],
];

/**
 * Reads and checks the environment. An empty variable counts as unset.
 * @param {NodeJS.ProcessEnv} env
 * @throws {ConfigError} with all mistakes at once
 */
export function loadConfig(env) {
  const mistakes = [];
  const config = { workers: availableParallelism() };
  for (const [name, key, fallback, parse] of SETTINGS) {
    const text = env[name] || fallback;
    if (text === undefined) continue;
    try {
      config[key] = parse(text);
    } catch (error) {
      mistakes.push(`${name}: ${error.message}, not ${JSON.stringify(text)}`);
    }
  }
  if (config.rtcMinPort > config.rtcMaxPort) mistakes.push('RTC_MIN_PORT: must not be above RTC_MAX_PORT');
  if (ANY.includes(config.listenIp) && !env.ANNOUNCED_ADDRESS) {
    mistakes.push(`ANNOUNCED_ADDRESS: is required where LISTEN_IP is ${config.listenIp}`);
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}
