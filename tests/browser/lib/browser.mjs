import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--auto-select-tab-capture-source-by-title=Switchboard',
];

// Few frames are enough to see that they flow, and leave the processor to the other browser.
const FAKE_DEVICES = '--use-fake-device-for-media-stream=fps=10';

/** A browser with a fresh profile and fake camera and microphone (or none). */
export function startBrowser({ devices = true } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: devices ? [...FLAGS, FAKE_DEVICES] : FLAGS,
  });
}

/** Keeps every RTCPeerConnection the page makes, for getStats and to tell old from new. */
export function recordConnections() {
  const Native = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }
  };
}

/** Makes the camera's picture small: five pages that encode and decode each other's leave the processor little else. */
export function smallCamera() {
  const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = ({ video, ...rest }) => capture({ ...rest, ...(video && { video: { width: 320, height: 180, frameRate: 10 } }) });
}

/** Draws somebody as the camera's picture, so that screenshots show something worth looking at. */
export function drawnCamera({ sky, wall, skin, shade, hair, long, shirt, fps = 10 }) {
  const SIZE = 720;
  const backdrop = (g) => {
    const light = g.createLinearGradient(0, 0, SIZE, SIZE);
    light.addColorStop(0, sky);
    light.addColorStop(1, wall);
    g.fillStyle = light;
    g.fillRect(0, 0, SIZE, SIZE);
    g.fillStyle = '#ffffff1f';
    for (const [x, y, r] of [[150, 170, 120], [590, 110, 70], [630, 420, 150]]) {
      g.beginPath();
      g.arc(x, y, r, 0, 7);
      g.fill();
    }
  };
  const draw = (g, t) => {
    backdrop(g);
    const x = SIZE / 2 + Math.sin(t / 1300) * 5;
    const y = 320 + Math.sin(t / 900) * 4;
    const ellipse = (fill, cx, cy, rx, ry, turn = 0, from = 0, to = 7) => {
      g.fillStyle = fill;
      g.beginPath();
      g.ellipse(cx, cy, rx, ry, turn, from, to);
      g.fill();
    };
    if (long) {
      ellipse(hair, x, y + 30, 152, 190);
      g.beginPath();
      g.roundRect(x - 152, y + 20, 304, 240, [0, 0, 70, 70]);
      g.fill();
    }
    ellipse(shirt, x, 790, 290, 235);
    g.fillStyle = shade;
    g.fillRect(x - 44, y + 90, 88, 130);
    ellipse(shade, x, 562, 62, 44);
    ellipse(skin, x - 113, y + 10, 20, 30);
    ellipse(skin, x + 113, y + 10, 20, 30);
    ellipse(skin, x, y, 112, 142);
    g.fillStyle = hair;
    g.beginPath();
    g.moveTo(x - 117, y + 6);
    g.bezierCurveTo(x - 150, y - 205, x + 150, y - 205, x + 117, y + 6);
    g.quadraticCurveTo(x + 104, y - 62, x + 40, y - 96);
    g.quadraticCurveTo(x - 60, y - 40, x - 117, y + 6);
    g.fill();
    const blink = t % 3400 < 140 ? 1.5 : 11;
    for (const side of [-1, 1]) {
      ellipse('#2a1d18', x + side * 42, y + 4, 9, blink);
      ellipse('#e8776a33', x + side * 62, y + 48, 24, 15);
      g.strokeStyle = hair;
      g.lineWidth = 7;
      g.lineCap = 'round';
      g.beginPath();
      g.arc(x + side * 42, y + 10, 36, Math.PI * 1.32, Math.PI * 1.68);
      g.stroke();
    }
    ellipse(shade, x, y + 36, 9, 14);
    g.fillStyle = '#fff';
    g.strokeStyle = '#8a4034';
    g.lineWidth = 5;
    g.beginPath();
    g.arc(x, y + 62, 36, 0.25, Math.PI - 0.25);
    g.closePath();
    g.fill();
    g.stroke();
  };
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    const tracks = [];
    if (video) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = SIZE;
      const g = canvas.getContext('2d');
      setInterval(() => draw(g, performance.now()), 1000 / fps);
      draw(g, 200);
      const [track] = canvas.captureStream(fps).getTracks();
      // Rather few frames than a coarse picture while the bandwidth is still being found out.
      track.contentHint = 'detail';
      tracks.push(track);
    }
    if (audio) {
      // Nothing that is worth listening to, but something to send.
      const context = new AudioContext();
      const hum = context.createOscillator();
      const quiet = context.createGain();
      quiet.gain.value = 0.001;
      const out = context.createMediaStreamDestination();
      hum.connect(quiet).connect(out);
      hum.start();
      tracks.push(...out.stream.getTracks());
    }
    return new MediaStream(tracks);
  };
}
