/**
 * What mediasoup and mediasoup-client say to each other, in the shapes and sizes of real sessions.
 */

const FEEDBACK = [
  { type: 'nack', parameter: '' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb', parameter: '' }, { type: 'transport-cc', parameter: '' },
];

const EXTENSIONS = [
  ['audio', 'urn:ietf:params:rtp-hdrext:sdes:mid', 1, 'sendrecv'],
  ['video', 'urn:ietf:params:rtp-hdrext:sdes:mid', 1, 'sendrecv'],
  ['video', 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', 2, 'recvonly'],
  ['video', 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', 4, 'sendrecv'],
  ['video', 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 5, 'sendrecv'],
  ['audio', 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', 10, 'sendrecv'],
  ['video', 'urn:3gpp:video-orientation', 11, 'sendrecv'],
].map(([kind, uri, preferredId, direction]) => ({ kind, uri, preferredId, preferredEncrypt: false, direction }));

/** A router's, and what a browser makes of them. */
export const ROUTER_CAPABILITIES = {
  codecs: [
    { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, rtcpFeedback: [{ type: 'transport-cc', parameter: '' }], parameters: {}, preferredPayloadType: 100 },
    { kind: 'video', mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback: FEEDBACK, parameters: { 'x-google-start-bitrate': 1000 }, preferredPayloadType: 101 },
    { kind: 'video', mimeType: 'video/rtx', clockRate: 90000, rtcpFeedback: [], parameters: { apt: 101 }, preferredPayloadType: 102 },
  ],
  headerExtensions: EXTENSIONS,
};

export const ICE_PARAMETERS = { usernameFragment: 'h4ftlvwywpmb3zjj', password: 'ys8g1pa8jv9l3m2zwpxo7f3pa1ep0lqb', iceLite: true };

export const ICE_CANDIDATES = [
  { foundation: 'udpcandidate', priority: 1076302079, ip: '127.0.0.1', address: '127.0.0.1', port: 40187, type: 'host', protocol: 'udp' },
  { foundation: 'tcpcandidate', priority: 1076276479, ip: '127.0.0.1', address: '127.0.0.1', port: 45112, type: 'host', protocol: 'tcp', tcpType: 'passive' },
];

export const DTLS_PARAMETERS = {
  role: 'auto',
  fingerprints: [{
    algorithm: 'sha-256',
    value: '82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD',
  }],
};

export const SCTP_PARAMETERS = { port: 5000, OS: 1024, MIS: 1024, maxMessageSize: 262144, isDataChannel: true };

/** A client's. */
export const SCTP_CAPABILITIES = { numStreams: { OS: 1024, MIS: 1024 } };

/** What a client tells of its side of a transport. */
export const CLIENT_DTLS = { role: 'client', fingerprints: DTLS_PARAMETERS.fingerprints };

const encodings = { audio: [{ ssrc: 2_912_311_887, dtx: false }], video: [{ ssrc: 4_078_113_207, rtx: { ssrc: 1_144_208_811 }, maxBitrate: 900_000 }] };

/** What a client sends. @param {'audio' | 'video'} kind @param {string} [mid] */
export function rtpParameters(kind, mid = kind === 'audio' ? '0' : '1') {
  const codecs = ROUTER_CAPABILITIES.codecs.filter((codec) => codec.kind === kind);
  return {
    mid,
    codecs: codecs.map(({ kind: _, preferredPayloadType: payloadType, ...codec }) => ({ ...codec, payloadType })),
    headerExtensions: EXTENSIONS.filter((extension) => extension.kind === kind)
      .map(({ uri, preferredId: id }) => ({ uri, id, encrypt: false, parameters: {} })),
    encodings: encodings[kind],
    rtcp: { cname: 'a5c2f1d0-40b5-4e0f-9a57-2ad1f1bd3c9e', reducedSize: true },
  };
}
