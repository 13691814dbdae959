import { invalidInput, ServiceError, workerLost } from '../errors.js';

/** What mediasoup throws when its worker is gone; the first name is that of older versions. */
const LOST = new Set(['InvalidStateError', 'WorkerClosedError']);
/** What mediasoup puts behind the reasons of its worker, which may be empty. */
const METHOD = /\s*\[method:[^\]]*\]$/;

/**
 * What a failed call to mediasoup means to who asked for it.
 * @param {Error} error
 * @param {string} field the part of the request it is about
 * @returns {Error} a {@link ServiceError} where it is known what to do about it
 */
export function mediaFailure(error, field) {
  if (error instanceof ServiceError) return error;
  if (LOST.has(error.name) || /^channel (closed|request timeout)/i.test(error.message)) return workerLost();
  if (error.name === 'UnsupportedError' || error instanceof TypeError) {
    return invalidInput(`${field}: ${error.message.replace(METHOD, '') || 'refused by the media worker'}`);
  }
  return error;
}
