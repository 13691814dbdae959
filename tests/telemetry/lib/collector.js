import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { until } from '../../clients/lib/wait.js';

const PROTO = fileURLToPath(new URL('../proto/trace.proto', import.meta.url));
const SERVICE = 'opentelemetry.proto.collector.trace.v1.TraceService';
const { Export } = loadSync(PROTO, { longs: String, bytes: String, enums: Number, defaults: true })[SERVICE];
const PATH = '/v1/traces';

/**
 * @typedef {object} Span
 * @property {string} name
 * @property {string} trace
 * @property {string} id
 * @property {string} parent empty at the root
 * @property {string} service
 * @property {string} node `service.instance.id`
 * @property {Record<string, string>} attributes
 * @property {{trace: string, id: string}[]} links
 * @property {number} code of the status; 2 is an error
 */

const hex = (id) => Buffer.from(id ?? '', 'base64').toString('hex');
/** In JSON ids are in hexadecimal already. */
const asIs = (id) => id ?? '';

function attributesOf(pairs = []) {
  const value = ({ stringValue, intValue, boolValue, doubleValue }) => String(stringValue || intValue || boolValue || doubleValue || '');
  return Object.fromEntries(pairs.map(({ key, value: given }) => [key, value(given)]));
}

/** @returns {Span[]} */
function spansOf({ resourceSpans = [] }, id) {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const about = attributesOf(resource?.attributes);
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => ({
      name: span.name,
      trace: id(span.traceId),
      id: id(span.spanId),
      parent: id(span.parentSpanId),
      service: about['service.name'],
      node: about['service.instance.id'],
      resource: about,
      attributes: attributesOf(span.attributes),
      links: (span.links ?? []).map(({ traceId, spanId }) => ({ trace: id(traceId), id: id(spanId) })),
      code: span.status?.code ?? 0,
    })));
  });
}

/** What both kinds of collectors have in common: the spans that came. */
class Collector {
  /** @type {Span[]} */
  spans = [];
  /** The headers, or metadata, of each request. @type {Record<string, any>[]} */
  headers = [];
  requests = 0;

  /** Waits for a span, past or to come. @param {(span: Span) => boolean} fits @param {string} what */
  span(fits, what) {
    return until(() => this.spans.find(fits), `the span arrives: ${what}; there are ${[...new Set(this.spans.map(({ name }) => name))]}`);
  }

  /** The spans of one trace. @param {string} trace */
  trace(trace) {
    return this.spans.filter((span) => span.trace === trace);
  }
}

/** Takes OTLP over HTTP, in both encodings. */
export class HttpCollector extends Collector {
  /** Holds requests without an answer. */
  silent = false;
  /** @type {Set<string>} */
  types = new Set();
  #server = createServer((request, response) => this.#take(request, response));

  /** @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const collector = new HttpCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    t.after(() => collector.#end());
    return collector;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    this.requests += 1;
    if (this.silent) return;
    const body = Buffer.concat(chunks);
    const type = request.headers['content-type'];
    this.types.add(type);
    this.headers.push(request.headers);
    if (request.method !== 'POST' || request.url !== PATH) return response.writeHead(404).end();
    const json = type === 'application/json';
    this.spans.push(...(json ? spansOf(JSON.parse(body.toString()), asIs) : spansOf(Export.requestDeserialize(body), hex)));
    response.writeHead(200, { 'content-type': type }).end(json ? '{}' : Export.responseSerialize({}));
  }

  #end() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    return closed;
  }
}

/** Takes OTLP over gRPC. */
export class GrpcCollector extends Collector {
  #server = new grpc.Server();
  port = 0;

  /** @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const collector = new GrpcCollector();
    collector.#server.addService({ Export }, {
      Export: ({ request, metadata }, answer) => {
        collector.requests += 1;
        collector.headers.push(metadata.getMap());
        collector.spans.push(...spansOf(request, hex));
        answer(null, {});
      },
    });
    collector.port = await new Promise((resolve, reject) => {
      collector.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
    });
    t.after(() => collector.#server.forceShutdown());
    return collector;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
}
