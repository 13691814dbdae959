import { call } from '../app';
import { Icon, type IconName } from './icons';

interface SwitchProps {
  on: boolean;
  label: string;
  short: string;
  icon: IconName;
  testId: string;
  tone?: 'device' | 'share';
  onClick(): void;
}

/** aria-pressed says whether it is on, so the label itself never changes. */
export function Switch({ on, label, short, icon, testId, tone = 'device', onClick }: SwitchProps) {
  return (
    <button class="switch" type="button" data-tone={tone} aria-pressed={on} aria-label={label} title={`${label}: ${on ? 'on' : 'off'}`} onClick={onClick} data-testid={testId}>
      <Icon name={icon} />
      <span class="switch-text" aria-hidden="true">
        {short}
      </span>
    </button>
  );
}

export function DeviceButtons() {
  const { media } = call;
  const mic = media.mic.value;
  const cam = media.cam.value;
  return (
    <>
      <Switch on={mic} label="Mic" short="Mic" icon={mic ? 'mic' : 'micOff'} testId="toggle-mic" onClick={() => void media.toggleMic()} />
      <Switch on={cam} label="Camera" short="Camera" icon={cam ? 'cam' : 'camOff'} testId="toggle-cam" onClick={() => void media.toggleCam()} />
    </>
  );
}
