import { accessSync, constants, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Debian's worker speaks to the npm package of its own version and to no other. */
const DEBIAN_VERSION = '3.8.4';

const read = (...path) => JSON.parse(readFileSync(join(PROJECT, ...path), 'utf8'));

/** The version of mediasoup that is installed. @returns {string} */
export const installedMediasoup = () => read('node_modules', 'mediasoup', 'package.json').version;

/** The version of mediasoup that `npm ci` installs. @returns {string} */
export const pinnedMediasoup = () => read('package.json').dependencies.mediasoup;

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function debianWorker() {
  try {
    return readdirSync('/usr/lib')
      .map((directory) => join('/usr/lib', directory, 'mediasoup', 'mediasoup-worker'))
      .find(isExecutable);
  } catch {
    return undefined;
  }
}

/**
 * The worker to run: the one that MEDIASOUP_WORKER_BIN names, else Debian's where it fits.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} version of the npm package mediasoup
 * @returns {string | undefined} undefined leaves it to mediasoup, which has one of its own
 */
export function findWorker(env, version) {
  if (env.MEDIASOUP_WORKER_BIN) return env.MEDIASOUP_WORKER_BIN;
  return version === DEBIAN_VERSION ? debianWorker() : undefined;
}
