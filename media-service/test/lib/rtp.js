/** Parameters as Chromium gives them to mediasoup-client. */

const VIDEO_FEEDBACK = [
  { type: 'goog-remb', parameter: '' },
  { type: 'transport-cc', parameter: '' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
];
const EXTENSIONS = [
  { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4, encrypt: false, parameters: {} },
  { uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', id: 10, encrypt: false, parameters: {} },
  { uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', id: 2, encrypt: false, parameters: {} },
];

const video = (mimeType, parameters) => [
  { mimeType, payloadType: 96, clockRate: 90000, parameters, rtcpFeedback: VIDEO_FEEDBACK },
  { mimeType: 'video/rtx', payloadType: 97, clockRate: 90000, parameters: { apt: 96 }, rtcpFeedback: [] },
];

export const opus = (mid = '0') => ({
  kind: 'audio',
  rtpParameters: {
    mid,
    codecs: [{
      mimeType: 'audio/opus',
      payloadType: 111,
      clockRate: 48000,
      channels: 2,
      parameters: { minptime: 10, useinbandfec: 1, 'sprop-stereo': 1, usedtx: 1 },
      rtcpFeedback: [{ type: 'transport-cc', parameter: '' }],
    }],
    headerExtensions: EXTENSIONS,
    encodings: [{ ssrc: 3_021_345_678, dtx: false }],
    rtcp: { cname: 'bvNkGVKOvtbQSvQA', reducedSize: true },
  },
  appData: { source: 'microphone' },
});

export const vp8Simulcast = (mid = '1') => ({
  kind: 'video',
  rtpParameters: {
    mid,
    codecs: video('video/VP8', {}),
    headerExtensions: EXTENSIONS,
    encodings: [
      { rid: 'r0', active: true, maxBitrate: 150_000, scaleResolutionDownBy: 4, scalabilityMode: 'L1T3', dtx: false },
      { rid: 'r1', active: true, maxBitrate: 500_000, scaleResolutionDownBy: 2, scalabilityMode: 'L1T3', dtx: false },
      { rid: 'r2', active: true, maxBitrate: 1_500_000, scaleResolutionDownBy: 1, scalabilityMode: 'L1T3', dtx: false },
    ],
    rtcp: { cname: 'bvNkGVKOvtbQSvQA', reducedSize: true },
  },
  appData: { source: 'camera' },
});

export const vp9Svc = (mid = '2') => ({
  kind: 'video',
  rtpParameters: {
    mid,
    codecs: video('video/VP9', { 'profile-id': 0 }),
    headerExtensions: EXTENSIONS,
    encodings: [{ ssrc: 3_021_345_680, rtx: { ssrc: 3_021_345_681 }, scalabilityMode: 'L3T3_KEY', dtx: false }],
    rtcp: { cname: 'bvNkGVKOvtbQSvQA', reducedSize: true },
  },
});

export const h264 = (mid = '3') => ({
  kind: 'video',
  rtpParameters: {
    mid,
    codecs: video('video/H264', {
      'level-asymmetry-allowed': 1, 'packetization-mode': 1, 'profile-level-id': '42e01f',
    }),
    headerExtensions: EXTENSIONS,
    encodings: [{ ssrc: 3_021_345_690, rtx: { ssrc: 3_021_345_691 }, dtx: false }],
    rtcp: { cname: 'bvNkGVKOvtbQSvQA', reducedSize: true },
  },
});

export const DTLS = {
  role: 'client',
  fingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => '5A').join(':') }],
};

export const SCTP = { numStreams: { OS: 1024, MIS: 1024 } };
