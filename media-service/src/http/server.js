import { randomUUID } from 'node:crypto';
import fastify, { LogController } from 'fastify';
import { draining, ServiceError } from '../errors.js';
import { describeMistake, problemOf } from './problems.js';
import { addRoutes } from './routes.js';
import { MAX_ID } from './schemas.js';

/** Longer ones are not taken over from the caller: they go into every log line. */
const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;
/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;
/** Each character has up to four bytes, percent-encoded. */
const MAX_PARAM_LENGTH = MAX_ID * 4 * 3;
/** For a request to arrive as a whole; gateways wait three seconds for the answer. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Callers are a few gateways with a pool of connections each. */
const MAX_CONNECTIONS = 4096;

/**
 * @param {{rooms: import('../rooms.js').Rooms, pool: import('../media/pool.js').WorkerPool,
 *   state: {draining: boolean}, log: import('pino').Logger, maxBodyBytes: number}} parts
 */
export function createServer({ rooms, pool, state, log, maxBodyBytes }) {
  const app = fastify({
    // Fastify itself shall only warn; requests have their own lines.
    loggerInstance: log.child({}, { level: atLeastWarn(log.level) }),
    childLoggerFactory: (_, bindings) => log.child(bindings),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: ({ headers }) => REQUEST_ID.exec(headers['x-request-id'] ?? '')?.[0] ?? randomUUID(),
    bodyLimit: maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // The hook below says it in the service's own words.
    return503OnClosing: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true } },
    schemaErrorFormatter: describeMistake,
    frameworkErrors: (error, request, reply) => refuse(error, request, reply),
    clientErrorHandler,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  parseJson(app);
  logRequests(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // To leave is always possible: the service ends the sooner.
    const allowed = request.method === 'DELETE' || request.routeOptions.config.health;
    if (state.draining && !allowed) throw draining();
  });
  app.setErrorHandler(refuse);
  app.setNotFoundHandler(async () => {
    throw new ServiceError(404, 'ROUTE_NOT_FOUND', 'there is no such route');
  });
  addHealth(app, { rooms, pool, state });
  addRoutes(app, rooms);
  return app;
}

const atLeastWarn = (level) => (['error', 'fatal', 'silent'].includes(level) ? level : 'warn');

function addHealth(app, { rooms, pool, state }) {
  const options = { config: { health: true } };
  app.get('/livez', options, async () => ({ status: 'ok' }));
  app.get('/readyz', options, async (_, reply) => {
    const workers = { alive: pool.alive, configured: pool.size };
    const status = state.draining ? 'draining' : workers.alive > 0 ? 'ready' : 'no-worker';
    reply.code(status === 'ready' ? 200 : 503);
    return { status, workers, rooms: rooms.size };
  });
}

/** JSON only, and a body may be missing where none is needed, whatever the content type says. */
function parseJson(app) {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    parse(request, body, (error, value) => {
      done(error && new ServiceError(400, 'MALFORMED_JSON', 'the body is not JSON'), value);
    });
  });
}

function refuse(error, request, reply) {
  const { status, code, message } = problemOf(error);
  request.problem = code;
  if (status === 500) request.log.error({ error }, 'request failed');
  return reply.header('x-request-id', request.id).code(status).send({ code, message });
}

/** Ids are logged also where they were refused for their length. */
const shown = (id) => id?.slice(0, MAX_ID);

/** One line per request. Bodies and query strings stay out of it. */
function logRequests(app) {
  app.decorateRequest('problem', undefined);
  app.addHook('onResponse', async (request, reply) => {
    const { method, params, problem } = request;
    const level = reply.statusCode >= 500 ? 'warn' : request.routeOptions.config?.health ? 'debug' : 'info';
    request.log[level]({
      method,
      route: request.routeOptions.url,
      roomId: shown(params?.roomId),
      peerId: shown(params?.peerId),
      status: reply.statusCode,
      code: problem,
      ms: Math.round(reply.elapsedTime),
      traceId: TRACEPARENT.exec(request.headers.traceparent)?.[1],
    }, 'request');
  });
}

/** What is not HTTP at all never becomes a request. */
function clientErrorHandler(error, socket) {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
  const [status, reason] = {
    HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
    ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  }[error.code] ?? [400, 'Bad Request'];
  const body = JSON.stringify({ code: 'BAD_REQUEST', message: reason });
  socket.end(`HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\n`
    + `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
}
