import { useEffect, useRef } from 'preact/hooks';
import * as store from '../state/store';

interface Props {
  stream: MediaStream;
  label: string;
  muted?: boolean;
  mirrored?: boolean;
  fit?: 'cover' | 'contain';
}

/** A video element for a stream. Remote ones carry the sound as well. */
export function VideoSurface({ stream, label, muted = false, mirrored = false, fit = 'cover' }: Props) {
  const ref = useRef<HTMLVideoElement>(null);
  const silent = muted || store.soundBlocked.value;

  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    if (video.srcObject !== stream) video.srcObject = stream;
    video.muted = silent;
    void play(video);
  }, [stream, silent]);

  return <video ref={ref} class="video" data-fit={fit} data-mirrored={mirrored} autoplay playsInline aria-label={label} />;
}

/** A page that was just reloaded may not play sound before the first click. */
async function play(video: HTMLVideoElement): Promise<void> {
  try {
    await video.play();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotAllowedError' && !video.muted) store.soundBlocked.value = true;
  }
}
