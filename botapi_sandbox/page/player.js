/** Sound players: a play button, a bar that looks like the sound, the time. One plays at a time. */

import { h, iconButton } from './dom.js';
import { formatDuration } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';

const BARS = 44;
const LARGEST_DECODED = 4 * 1024 * 1024;
/** @type {HTMLMediaElement|null} */
let playing = null;

/** @param {HTMLMediaElement} media */
export function playAlone(media) {
  if (playing !== media) playing?.pause();
  playing = media;
  return media.play().catch(() => undefined);
}

/**
 * @param {{url: string, seed: string, duration: number, size?: number, title?: string, isVoice: boolean}} sound
 * @returns {HTMLElement}
 */
export function createPlayer(sound) {
  const media = h('audio', { src: sound.url, preload: 'none' });
  const bars = Array.from({ length: BARS }, () => h('i'));
  const wave = h(
    'div',
    {
      class: 'wave',
      role: 'slider',
      tabindex: '0',
      'aria-label': t('seek'),
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': '0',
    },
    bars,
  );
  const time = h('span', { class: 'player-time' }, formatDuration(sound.duration));
  const button = iconButton(icon('play'), t('play'), { class: 'player-button' });
  const lengthOf = () => (Number.isFinite(media.duration) && media.duration > 0 ? media.duration : sound.duration);
  drawBars(bars, seededPeaks(sound.seed));
  if (sound.isVoice) drawRealPeaks(sound, bars);

  const showProgress = () => {
    const part = lengthOf() > 0 ? media.currentTime / lengthOf() : 0;
    bars.forEach((bar, index) => bar.classList.toggle('played', index < part * BARS && media.currentTime > 0));
    wave.setAttribute('aria-valuenow', String(Math.round(part * 100)));
    time.textContent = formatDuration(media.currentTime > 0 ? media.currentTime : lengthOf());
  };
  const showState = () => {
    const isPaused = media.paused;
    button.replaceChildren(icon(isPaused ? 'play' : 'pause'));
    button.setAttribute('aria-label', t(isPaused ? 'play' : 'pause'));
    button.title = t(isPaused ? 'play' : 'pause');
  };
  const seek = (part) => {
    media.currentTime = Math.max(0, Math.min(1, part)) * lengthOf();
    showProgress();
  };
  button.addEventListener('click', () => (media.paused ? playAlone(media) : media.pause()));
  wave.addEventListener('click', (event) => {
    const box = wave.getBoundingClientRect();
    seek((event.clientX - box.left) / box.width);
    if (media.paused) playAlone(media);
  });
  wave.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
    if (step) seek((media.currentTime + step) / (lengthOf() || 1));
  });
  for (const name of ['play', 'pause']) media.addEventListener(name, showState);
  for (const name of ['timeupdate', 'loadedmetadata']) media.addEventListener(name, showProgress);
  media.addEventListener('ended', () => seek(0));
  const title = sound.title ? h('div', { class: 'player-title' }, sound.title) : null;
  return h('div', { class: 'player' }, media, button, h('div', { class: 'player-body' }, title, wave, time));
}

function drawBars(bars, peaks) {
  bars.forEach((bar, index) => {
    bar.style.height = `${Math.round(12 + 88 * peaks[index])}%`;
  });
}

/** Bars for a sound that was not decoded: they differ from file to file and stay the same for one. */
function seededPeaks(seed) {
  let value = 7;
  for (const letter of seed) value = (value * 31 + letter.charCodeAt(0)) >>> 0;
  return Array.from({ length: BARS }, (_, index) => {
    value = (value * 1664525 + 1013904223) >>> 0;
    return (0.25 + 0.75 * (value / 2 ** 32)) * (0.55 + 0.45 * Math.sin((index / BARS) * Math.PI));
  });
}

async function drawRealPeaks(sound, bars) {
  if (sound.size !== undefined && sound.size > LARGEST_DECODED) return;
  try {
    const response = await fetch(sound.url);
    if (!response.ok) return;
    const context = new OfflineAudioContext(1, 1, 16000);
    const decoded = await context.decodeAudioData(await response.arrayBuffer());
    drawBars(bars, peaksOf(decoded.getChannelData(0)));
  } catch {
    // A sound this browser cannot decode keeps the bars it has.
  }
}

function peaksOf(samples) {
  const width = Math.max(1, Math.floor(samples.length / BARS));
  const peaks = Array.from({ length: BARS }, (_, index) => {
    let peak = 0;
    for (let at = index * width; at < Math.min(samples.length, (index + 1) * width); at += 8)
      peak = Math.max(peak, Math.abs(samples[at]));
    return peak;
  });
  const highest = Math.max(...peaks, 0.01);
  return peaks.map((peak) => peak / highest);
}
