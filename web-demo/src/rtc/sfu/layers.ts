import type { PictureSize } from './announced';

/** Which of a sender's layers arrives. The media server chooses and does not say, so it is read off the picture. */

export interface LayerCount {
  spatial: number;
  temporal: number;
}

/** Counted from 0, the smallest, as in mediasoup; null for what cannot be told. */
export interface Layer {
  spatial: number | null;
  temporal: number | null;
}

/** `S3T3`: three encodings or spatial layers, three temporal ones each. W3C webrtc-svc names and mediasoup's. */
export function parseScalabilityMode(mode: string | undefined): LayerCount {
  const [, spatial, temporal] = /^[LS]([1-9]\d?)T([1-9]\d?)/.exec(mode ?? '') ?? [];
  return { spatial: Number(spatial ?? 1), temporal: Number(temporal ?? 1) };
}

/**
 * Spatial: each layer has half the width and height of the next. Temporal: half its frames. Without
 * the sender's own size a picture could be of any layer.
 */
export function inferLayer(seen: PictureSize, sent: PictureSize | null, { spatial, temporal }: LayerCount): Layer {
  return {
    spatial: spatial === 1 ? 0 : halvings(longSide(seen), sent && longSide(sent), spatial),
    temporal: temporal === 1 ? 0 : halvings(seen.fps, sent && sent.fps, temporal),
  };
}

/** Phones turn the picture while it is sent; the longer side stays the longer. */
function longSide({ width, height }: PictureSize): number {
  return Math.max(width, height);
}

function halvings(seen: number, full: number | null, layers: number): number | null {
  if (full === null || seen <= 0) return null;
  const steps = Math.max(0, Math.round(Math.log2(full / seen)));
  return Math.max(0, layers - 1 - steps);
}

/** `S1 T2 of S3T3`, with a dash for what is not known. */
export function formatLayer(layer: Layer, { spatial, temporal }: LayerCount): string {
  if (spatial === 1 && temporal === 1) return 'single';
  return `S${layer.spatial ?? '–'} T${layer.temporal ?? '–'} of S${spatial}T${temporal}`;
}
