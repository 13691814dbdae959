import pino from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * One JSON object per line on standard output. What is logged is chosen field by field at each
 * place: no bodies, so that neither ICE, DTLS nor RTP parameters get here.
 * @param {string} level
 */
export function createLog(level) {
  return pino({
    level,
    base: undefined,
    messageKey: 'message',
    errorKey: 'error',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
