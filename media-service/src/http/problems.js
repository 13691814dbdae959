import { invalidInput, ServiceError } from '../errors.js';

/** Fastify's own refusals, by its code. @see https://fastify.dev/docs/latest/Reference/Errors/ */
const FRAMEWORK = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'BODY_TOO_LARGE', 'the body is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'MALFORMED_BODY', 'the body is not as long as its content-length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'MALFORMED_JSON', 'the body is not JSON'],
  FST_ERR_BAD_URL: [400, 'INVALID_INPUT', 'the path is not a valid URL'],
  FST_ERR_MAX_PARAM_LENGTH: [400, 'INVALID_INPUT', 'a part of the path is too long'],
};

const HINTS = {
  enum: ({ allowedValues }) => `must be one of ${allowedValues.join(', ')}`,
  const: ({ allowedValue }) => `must be ${allowedValue}`,
  required: () => 'is required',
};

/**
 * The first thing that is wrong, with the field's name: `rtpParameters.codecs[0].mimeType: is required`.
 * @param {import('ajv').ErrorObject[]} errors @param {string} part of the request
 */
export function describeMistake([error], part) {
  const path = error.instancePath.slice(1).split('/').filter(Boolean)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  const missing = error.keyword === 'required' ? `.${error.params.missingProperty}` : '';
  const field = `${path}${missing}`.replace(/^\./, '') || part;
  return invalidInput(`${field}: ${HINTS[error.keyword]?.(error.params) ?? error.message}`);
}

/**
 * What is answered to a failure.
 * @param {Error & {code?: string, statusCode?: number}} error
 * @returns {ServiceError}
 */
export function problemOf(error) {
  if (error instanceof ServiceError) return error;
  if (FRAMEWORK[error.code]) return new ServiceError(...FRAMEWORK[error.code]);
  if (error.statusCode >= 400 && error.statusCode < 500) {
    return new ServiceError(error.statusCode, 'INVALID_INPUT', error.message);
  }
  return new ServiceError(500, 'INTERNAL', 'internal error');
}
