import assert from 'node:assert/strict';

/**
 * Asserts that a request is refused, in the one shape of refusals.
 * @param {import('./service.js').Service} service
 * @param {[method: string, path: string, body?: unknown]} request
 * @param {number} status @param {string} code @param {RegExp} [message]
 */
export async function assertRefused(service, request, status, code, message = /./) {
  const answer = await service.request(...request);
  assert.deepEqual({ status: answer.status, code: answer.body.code }, { status, code }, JSON.stringify(answer.body));
  assert.deepEqual(Object.keys(answer.body).sort(), ['code', 'message']);
  assert.match(answer.body.message, message);
}
