/**
 * What requests look like, as JSON Schema. The RTP, DTLS and SCTP objects are mediasoup-client's
 * (https://mediasoup.org/documentation/v3/mediasoup/rtp-parameters-and-capabilities/); fields that
 * are not named here pass. Every list and text has an end.
 */
/** Characters of an id. */
export const MAX_ID = 256;
const UINT32 = 0xffff_ffff;
const text = (maxLength) => ({ type: 'string', minLength: 1, maxLength });
const id = text(MAX_ID);
const integer = (minimum, maximum) => ({ type: 'integer', minimum, maximum });
const list = (items, maxItems, minItems = 0) => ({ type: 'array', items, minItems, maxItems });
const object = (required, properties) => ({ type: 'object', required, properties });

const mimeType = { type: 'string', pattern: '^([Aa][Uu][Dd][Ii][Oo]|[Vv][Ii][Dd][Ee][Oo])/.', maxLength: 64 };
const parameters = { type: 'object', maxProperties: 64, additionalProperties: { type: ['string', 'number'] } };
const rtcpFeedback = list(object(['type'], { type: text(64), parameter: { type: 'string', maxLength: 64 } }), 32);
const codecBase = { mimeType, clockRate: integer(1, UINT32), channels: integer(1, 255), parameters, rtcpFeedback };
const payloadType = integer(0, 127);
const ssrc = integer(0, UINT32);

const rtpCapabilities = object(['codecs'], {
  codecs: list(object(['mimeType', 'clockRate'], { ...codecBase, preferredPayloadType: payloadType }), 256),
  headerExtensions: list(object(['kind', 'uri', 'preferredId'], {
    kind: { enum: ['audio', 'video'] },
    uri: text(256),
    preferredId: integer(1, 255),
    preferredEncrypt: { type: 'boolean' },
    direction: { enum: ['sendrecv', 'sendonly', 'recvonly', 'inactive'] },
  }), 128),
});

const rtpParameters = object(['codecs'], {
  mid: text(32),
  codecs: list(object(['mimeType', 'payloadType', 'clockRate'], { ...codecBase, payloadType }), 64, 1),
  headerExtensions: list(object(['uri', 'id'], {
    uri: text(256), id: integer(1, 255), encrypt: { type: 'boolean' }, parameters,
  }), 64),
  encodings: list(object([], {
    ssrc,
    rid: text(32),
    codecPayloadType: payloadType,
    rtx: object(['ssrc'], { ssrc }),
    dtx: { type: 'boolean' },
    scalabilityMode: text(32),
    maxBitrate: { type: 'number', minimum: 0 },
  }), 16),
  rtcp: object([], { cname: { type: 'string', maxLength: 256 }, reducedSize: { type: 'boolean' } }),
});

const dtlsParameters = object(['fingerprints'], {
  role: { enum: ['auto', 'client', 'server'] },
  fingerprints: list(object(['algorithm', 'value'], {
    algorithm: { enum: ['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'] },
    value: { type: 'string', pattern: '^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$', maxLength: 191 },
  }), 16, 1),
});

const sctpCapabilities = object([], {
  numStreams: object(['OS', 'MIS'], { OS: integer(1, 65_535), MIS: integer(1, 65_535) }),
});

const params = object([], {
  roomId: id, peerId: id, transportId: id, producerId: id, consumerId: id,
});

/** Paths alone: the body, if there is one, does not matter. */
export const PLAIN = { params };

export const JOIN = {
  params,
  body: object(['id'], {
    id,
    displayName: { type: 'string', maxLength: 256 },
    device: { type: ['object', 'string'] },
    rtpCapabilities,
  }),
};

export const CREATE_TRANSPORT = {
  params,
  body: object(['type', 'direction'], {
    type: { const: 'webrtc' },
    direction: { enum: ['send', 'recv'] },
    sctpCapabilities,
  }),
};

export const CONNECT = { params, body: object(['dtlsParameters'], { dtlsParameters }) };

export const PRODUCE = {
  params,
  body: object(['kind', 'rtpParameters'], {
    kind: { enum: ['audio', 'video'] },
    rtpParameters,
    appData: { type: 'object' },
  }),
};

export const CONSUME = {
  params,
  querystring: object(['producerId'], { producerId: id }),
  body: object([], { rtpCapabilities }),
};
