import type { types as mediasoup } from 'mediasoup-client';
import { SignalError } from '../../protocol/errors';
import type { Source } from './announced';
import type { SfuRequests } from './requests';

/** A track to be sent, or kept ready without being sent. */
export interface Outgoing {
  track: MediaStreamTrack;
  paused: boolean;
}

export type OutgoingTracks = ReadonlyMap<Source, Outgoing>;

interface Sender {
  producer: mediasoup.Producer;
  /** What the media server last confirmed. */
  pausedThere: boolean;
}

/** Three sizes of one picture, each half of the next; the media server picks one for each receiver. */
const SIMULCAST: mediasoup.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 160_000, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000, scalabilityMode: 'L1T3' },
];

/** Text must stay readable, so that there is one size. */
const SCREEN: mediasoup.RtpEncodingParameters[] = [{ maxBitrate: 2_500_000 }];

/** The own producers of one connection with the media server. */
export class Senders {
  private readonly senders = new Map<Source, Sender>();

  constructor(
    private readonly transport: mediasoup.Transport,
    private readonly requests: SfuRequests,
    /** Told that the media server does not take a track; true to go on without it. */
    private readonly rejected: (source: Source, error: SignalError) => boolean,
  ) {
    transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
      requests.produce({ transportId: transport.id, kind, rtpParameters, appData }).then(done, failed);
    });
  }

  get list(): { source: Source; producer: mediasoup.Producer }[] {
    return [...this.senders].map(([source, { producer }]) => ({ source, producer }));
  }

  /** Brings the producers in line with the tracks. What takes the place of something comes first. */
  async sync(tracks: OutgoingTracks): Promise<void> {
    for (const [source, outgoing] of tracks) {
      const sender = this.senders.get(source);
      if (sender) await this.update(sender, outgoing);
      // Somebody muted has no producer before the first word.
      else if (!outgoing.paused) await this.tryOpen(source, outgoing);
    }
    for (const source of [...this.senders.keys()]) if (!tracks.has(source)) await this.close(source);
  }

  /** Lets the media server forget all of them, as far as it can be reached. */
  async retire(): Promise<void> {
    const closings = this.list.map(({ producer }) => this.requests.closeProducer(producer.id));
    await Promise.allSettled(closings);
  }

  private async tryOpen(source: Source, outgoing: Outgoing): Promise<void> {
    try {
      await this.open(source, outgoing);
    } catch (error) {
      const rejection = error instanceof SignalError && error.code === 'MEDIA_REJECTED';
      if (!rejection || !this.rejected(source, error)) throw error;
    }
  }

  private async open(source: Source, { track }: Outgoing): Promise<void> {
    // It ended a moment ago, of which whoever watches the devices is about to tell.
    if (track.readyState === 'ended') return;
    const producer = await this.transport.produce({
      track,
      encodings: encodingsFor(source),
      codecOptions: source === 'mic' ? { opusFec: true } : { videoGoogleStartBitrate: 1000 },
      appData: { source, ...sizeOf(track) },
      // The tracks are not ours: the same ones serve the preview and the next session.
      stopTracks: false,
      disableTrackOnPause: false,
      zeroRtpOnPause: true,
    });
    this.senders.set(source, { producer, pausedThere: false });
  }

  private async update(sender: Sender, { track, paused }: Outgoing): Promise<void> {
    const { producer } = sender;
    if (producer.track !== track && track.readyState === 'live') await producer.replaceTrack({ track });
    if (paused) producer.pause();
    else producer.resume();
    if (sender.pausedThere === paused) return;
    await this.requests.setProducerPaused(producer.id, paused);
    sender.pausedThere = paused;
  }

  private async close(source: Source): Promise<void> {
    const sender = this.senders.get(source);
    if (!sender) return;
    sender.producer.close();
    await this.requests.closeProducer(sender.producer.id).catch((error: unknown) => {
      // The media server does not have it any more, which is what was asked for.
      const gone = error instanceof SignalError && ['FORBIDDEN', 'MEDIA_REJECTED'].includes(error.code);
      if (!gone) throw error;
    });
    this.senders.delete(source);
  }
}

function encodingsFor(source: Source): mediasoup.RtpEncodingParameters[] | undefined {
  // Copies: mediasoup-client writes into them.
  if (source === 'cam') return SIMULCAST.map((encoding) => ({ ...encoding }));
  return source === 'screen' ? SCREEN.map((encoding) => ({ ...encoding })) : undefined;
}

/** For the others to tell by, which of the sizes they get. */
function sizeOf(track: MediaStreamTrack): Record<string, number> {
  if (track.kind !== 'video') return {};
  const { width, height, frameRate } = track.getSettings();
  return width && height && frameRate ? { width, height, fps: Math.round(frameRate) } : {};
}
