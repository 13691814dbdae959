import { signal } from '@preact/signals';
import type { MediaState } from '../protocol/dataChannel';
import type { LocalTracks } from './peerLink';
import type { Outgoing, OutgoingTracks } from './sfu/senders';
import type { Source } from './sfu/announced';

/** Camera, microphone and screen of this page. */
export class LocalMedia {
  readonly mic = signal(false);
  readonly cam = signal(false);
  readonly screen = signal(false);
  /** Why a device is not there, in words for the person in front of it. */
  readonly notice = signal<string | null>(null);
  /** What the own tile shows: the camera, or the screen while it is shared. */
  readonly preview = signal<MediaStream | null>(null);
  readonly busy = signal(false);
  onChange: () => void = () => undefined;

  private audio: MediaStreamTrack | null = null;
  private camera: MediaStreamTrack | null = null;
  private display: MediaStreamTrack | null = null;

  readonly tracks = (): LocalTracks => ({ audio: this.audio, video: this.display ?? this.camera });

  /** The same for a media server, where the screen is a track of its own and the camera rests meanwhile. */
  readonly sources = (): OutgoingTracks => {
    const sources = new Map<Source, Outgoing>();
    const { audio, video } = this.tracks();
    if (audio) sources.set('mic', { track: audio, paused: !audio.enabled });
    if (video) sources.set(this.display ? 'screen' : 'cam', { track: video, paused: false });
    return sources;
  };

  get state(): MediaState {
    return { mic: this.mic.value, cam: this.cam.value, screen: this.screen.value };
  }

  /** Asks for both at once (one prompt), then for each alone, and else goes on without any. */
  async start(): Promise<void> {
    if (this.audio || this.camera) return;
    this.busy.value = true;
    const both = await capture({ audio: AUDIO, video: VIDEO });
    const audio = both.stream ?? (await capture({ audio: AUDIO })).stream;
    const video = both.stream ?? (await capture({ video: VIDEO })).stream;
    this.audio = audio?.getAudioTracks()[0] ?? null;
    this.camera = video?.getVideoTracks()[0] ?? null;
    this.mic.value = this.audio !== null;
    this.cam.value = this.camera !== null;
    this.notice.value = noticeFor(this.audio !== null, this.camera !== null, both.error);
    this.busy.value = false;
    this.watch(this.audio);
    this.watch(this.camera);
    this.changed();
  }

  async toggleMic(): Promise<void> {
    if (!this.audio) {
      const { stream, error } = await capture({ audio: AUDIO });
      this.audio = stream?.getAudioTracks()[0] ?? null;
      this.notice.value = this.audio ? null : noticeFor(false, this.cam.value, error);
      this.mic.value = this.audio !== null;
      this.watch(this.audio);
    } else {
      // Kept open while muted: unmuting must not cut off the first word.
      this.audio.enabled = !this.audio.enabled;
      this.mic.value = this.audio.enabled;
    }
    this.changed();
  }

  /** Off means off: the track is stopped, so that the camera's light goes out. */
  async toggleCam(): Promise<void> {
    if (this.camera) {
      this.camera.stop();
      this.camera = null;
    } else {
      const { stream, error } = await capture({ video: VIDEO });
      this.camera = stream?.getVideoTracks()[0] ?? null;
      this.notice.value = this.camera ? null : noticeFor(this.audio !== null, false, error);
      this.watch(this.camera);
    }
    this.cam.value = this.camera !== null;
    this.changed();
  }

  async toggleScreen(): Promise<void> {
    if (this.display) return this.endScreen();
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 } });
      this.display = stream.getVideoTracks()[0] ?? null;
    } catch {
      // Closing the browser's picker is an answer, not an error.
      return;
    }
    this.display?.addEventListener('ended', () => this.endScreen());
    this.screen.value = this.display !== null;
    this.changed();
  }

  stop(): void {
    for (const track of [this.audio, this.camera, this.display]) track?.stop();
    this.audio = this.camera = this.display = null;
    this.mic.value = this.cam.value = this.screen.value = false;
    this.preview.value = null;
  }

  private endScreen(): void {
    this.display?.stop();
    this.display = null;
    this.screen.value = false;
    this.changed();
  }

  /** A device may be pulled out at any time. */
  private watch(track: MediaStreamTrack | null): void {
    track?.addEventListener('ended', () => {
      if (track === this.camera) this.camera = null;
      if (track === this.audio) this.audio = null;
      this.cam.value = this.camera !== null;
      this.mic.value = this.audio !== null && this.audio.enabled;
      this.changed();
    });
  }

  private changed(): void {
    const { video } = this.tracks();
    if (this.preview.value?.getVideoTracks()[0] !== video) {
      this.preview.value = video ? new MediaStream([video]) : null;
    }
    this.onChange();
  }
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true };
const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

async function capture(constraints: MediaStreamConstraints): Promise<{ stream?: MediaStream; error?: string }> {
  // Missing on pages that are neither https nor localhost.
  if (!navigator.mediaDevices) return { error: 'InsecureContext' };
  try {
    return { stream: await navigator.mediaDevices.getUserMedia(constraints) };
  } catch (error) {
    return { error: error instanceof Error ? error.name : 'Error' };
  }
}

export function noticeFor(audio: boolean, video: boolean, error: string | undefined): string | null {
  if (audio && video) return null;
  if (error === 'InsecureContext') return 'Browsers give camera and microphone to https and localhost pages only. You can still watch, listen and chat.';
  const missing = !audio && !video ? 'camera or microphone' : audio ? 'camera' : 'microphone';
  const why = error === 'NotAllowedError' ? `The browser may not use your ${missing}.` : `No ${missing} was found.`;
  const still = !audio && !video ? 'You can still watch, listen and chat.' : 'You can join without it.';
  return `${why} ${still}`;
}
