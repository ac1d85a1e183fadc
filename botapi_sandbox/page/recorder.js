/** Voice messages from the microphone: hold the button, or press it once and press send. */

import { h, iconButton } from './dom.js';
import { formatDuration } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';

const HOLD_MS = 400;
const SHORTEST_MS = 500;
const LONGEST_MS = 15 * 60 * 1000;
const TYPES = ['audio/ogg;codecs=opus', 'audio/webm;codecs=opus', 'audio/mp4'];

export class Recorder {
  /**
   * @param {{onVoice: (file: File, seconds: number) => void, onNoMicrophone: () => void,
   *   onState: (isRecording: boolean) => void}} actions
   */
  constructor(actions) {
    this.actions = actions;
    /** @type {MediaRecorder|null} */
    this.media = null;
    this.isStarting = false;
    this.time = h('span', { class: 'recording-time' }, '0:00');
    this.level = h('i', { class: 'recording-level' });
    this.bar = h(
      'div',
      { class: 'recording', role: 'group', 'aria-label': t('recording'), hidden: true },
      iconButton(icon('trash'), t('cancelRecording'), { on: { click: () => this.finish(false) } }),
      h('span', { class: 'recording-dot' }, this.level),
      h('span', { class: 'recording-label' }, t('recording')),
      this.time,
      iconButton(icon('send'), t('sendRecording'), {
        class: 'primary',
        testid: 'record-send',
        on: { click: () => this.finish(true) },
      }),
    );
    this.button = iconButton(icon('mic'), t('record'), { class: 'record', testid: 'record' });
    this.listenToButton();
  }

  listenToButton() {
    this.button.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      this.pressedAt = performance.now();
      this.start();
    });
    addEventListener('pointerup', () => this.release());
    this.button.addEventListener('click', (event) => {
      if (event.detail === 0) this.start();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.media) this.finish(false);
    });
  }

  /** A long hold sends when it ends; a short press leaves the recording running. */
  release() {
    const held = performance.now() - (this.pressedAt ?? Infinity);
    this.pressedAt = undefined;
    if (held > HOLD_MS && this.media) this.finish(true);
  }

  async start() {
    if (this.media || this.isStarting) return;
    const type = globalThis.MediaRecorder && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type || !navigator.mediaDevices) return this.actions.onNoMicrophone();
    this.isStarting = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.record(stream, type);
    } catch {
      this.actions.onNoMicrophone();
    } finally {
      this.isStarting = false;
    }
  }

  record(stream, type) {
    /** @type {Blob[]} */
    this.parts = [];
    this.startedAt = performance.now();
    this.media = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32_000 });
    this.media.addEventListener('dataavailable', (event) => this.parts.push(event.data));
    this.media.start(500);
    this.bar.hidden = false;
    this.actions.onState(true);
    this.followLevel(stream);
    this.ticker = setInterval(() => this.tick(), 200);
    this.tick();
  }

  tick() {
    const elapsed = performance.now() - this.startedAt;
    this.time.textContent = formatDuration(elapsed / 1000);
    if (elapsed > LONGEST_MS) this.finish(true);
  }

  /** The dot breathes with the loudness, so that one sees that the microphone hears. */
  followLevel(stream) {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 256;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    const draw = () => {
      if (!this.media) return;
      analyser.getByteTimeDomainData(samples);
      const peak = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample - 128)), 0) / 128;
      this.level.style.transform = `scale(${1 + 1.8 * peak})`;
      requestAnimationFrame(draw);
    };
    draw();
  }

  /** @param {boolean} isSent */
  finish(isSent) {
    const { media } = this;
    if (!media) return;
    this.media = null;
    clearInterval(this.ticker);
    this.bar.hidden = true;
    this.actions.onState(false);
    const elapsed = performance.now() - this.startedAt;
    media.addEventListener('stop', () => {
      media.stream.getTracks().forEach((track) => track.stop());
      this.context?.close();
      if (isSent && elapsed >= SHORTEST_MS)
        this.actions.onVoice(this.toFile(media.mimeType), Math.max(1, Math.round(elapsed / 1000)));
    });
    media.stop();
  }

  toFile(mimeType) {
    const type = mimeType.split(';')[0];
    const extension = { 'audio/ogg': 'ogg', 'audio/mp4': 'm4a' }[type] ?? 'webm';
    return new File(this.parts, `voice.${extension}`, { type });
  }
}
