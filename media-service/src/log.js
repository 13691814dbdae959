import pino from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** In place of pino's own, which at the end tries for ever to write to a pipe that nobody reads. */
const STDOUT = { write: (line) => process.stdout.write(line) };

/**
 * One JSON object per line on standard output. What is logged is chosen field by field at each
 * place: no bodies, so that neither ICE, DTLS nor RTP parameters get here.
 * @param {string} level
 */
export function createLog(level) {
  // Who reads the log may go, but not take the service along.
  process.stdout.on('error', () => {});
  return pino({
    level,
    base: undefined,
    messageKey: 'message',
    errorKey: 'error',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }, STDOUT);
}
