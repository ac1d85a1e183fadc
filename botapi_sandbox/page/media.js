/** What a message carries besides text: pictures, films, sounds, files, contacts, places. */

import { fileUrl } from './api.js';
import { h } from './dom.js';
import { formatDuration, formatSize } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { nameOf } from './people.js';
import { createPlayer, playAlone } from './player.js';
import { openViewer } from './viewer.js';

const WIDEST = 420;
const HIGHEST = 420;

const RENDERERS = {
  photo: (message) => renderPhoto(message),
  video_note: (message) => renderVideoNote(message.video_note),
  animation: (message) => renderVideo(message.animation, true),
  video: (message) => renderVideo(message.video, false),
  voice: (message) => renderSound(message.voice, true),
  audio: (message) => renderSound(message.audio, false),
  document: (message) => renderDocument(message.document),
  sticker: (message) => h('div', { class: 'sticker' }, message.sticker.emoji ?? '🙂'),
  dice: (message) =>
    h('div', { class: 'sticker' }, message.dice.emoji ?? '🎲', h('small', {}, String(message.dice.value))),
  contact: (message) => renderCard('contact', nameOf(message.contact), message.contact.phone_number),
  venue: (message) => renderCard('pin', message.venue.title, message.venue.address),
  location: (message) =>
    renderCard('pin', t('location'), `${message.location.latitude}, ${message.location.longitude}`),
  poll: (message) =>
    renderCard('group', message.poll.question, (message.poll.options ?? []).map((option) => option.text).join(' · ')),
};

const KINDS = Object.keys(RENDERERS);

/** @returns {string|null} the kind of attachment */
export const mediaKind = (message) => KINDS.find((kind) => message[kind]) ?? null;

/** Pictures and films fill the bubble's edge, everything else has the text's margins. */
export const isEdgeless = (kind) => kind === 'photo' || kind === 'video' || kind === 'animation';

/** These stand on the wallpaper without a bubble. */
export const isBare = (kind) => kind === 'video_note' || kind === 'sticker' || kind === 'dice';

/** @returns {HTMLElement|null} */
export function renderMedia(message) {
  const kind = mediaKind(message);
  return kind === null ? null : RENDERERS[kind](message);
}

/** The size is fixed before the picture arrives, so that nothing jumps. */
function reserve(node, width, height) {
  const w = width || WIDEST;
  const hgt = height || Math.round(w * 0.66);
  const scale = Math.min(WIDEST / w, HIGHEST / hgt, Math.max(1, 160 / w));
  node.style.width = `${Math.max(120, Math.round(w * scale))}px`;
  node.style.aspectRatio = `${w} / ${hgt}`;
}

function renderPhoto(message) {
  const largest = message.photo[message.photo.length - 1];
  const url = fileUrl(largest.file_id);
  const image = h('img', { src: url, alt: message.caption || t('photo'), loading: 'lazy', decoding: 'async' });
  const open = (event) => {
    event.stopPropagation();
    if (frame.classList.contains('media-hidden')) frame.classList.remove('media-hidden');
    else openViewer(url, message.caption ?? '');
  };
  const frame = h('button', { type: 'button', class: 'photo', 'aria-label': t('open'), on: { click: open } }, image);
  if (message.has_media_spoiler) frame.classList.add('media-hidden');
  reserve(frame, largest.width, largest.height);
  return frame;
}

function renderVideo(video, isLoop) {
  const media = h('video', { src: fileUrl(video.file_id), preload: 'metadata', playsinline: true, controls: !isLoop });
  if (isLoop) Object.assign(media, { muted: true, loop: true, autoplay: true });
  else media.addEventListener('play', () => playAlone(media));
  const frame = h('div', { class: 'video' }, media);
  reserve(frame, video.width, video.height);
  return frame;
}

function renderVideoNote(note) {
  const media = h('video', { src: fileUrl(note.file_id), preload: 'metadata', playsinline: true });
  const toggle = (event) => {
    event.stopPropagation();
    if (media.paused) playAlone(media);
    else media.pause();
  };
  const badge = h('span', { class: 'note-time' }, formatDuration(note.duration));
  const frame = h(
    'button',
    { type: 'button', class: 'video-note', 'aria-label': t('video_note'), on: { click: toggle } },
    media,
    h('span', { class: 'note-play' }, icon('play')),
    badge,
  );
  for (const name of ['play', 'pause', 'ended'])
    media.addEventListener(name, () => frame.classList.toggle('playing', !media.paused));
  media.addEventListener('timeupdate', () => {
    badge.textContent = formatDuration(Math.max(0, (note.duration || media.duration) - media.currentTime));
  });
  return frame;
}

function renderSound(sound, isVoice) {
  const title = isVoice
    ? ''
    : [sound.performer, sound.title].filter(Boolean).join(' — ') || sound.file_name || t('audio');
  return createPlayer({
    url: fileUrl(sound.file_id),
    seed: sound.file_unique_id ?? sound.file_id,
    duration: sound.duration ?? 0,
    size: sound.file_size,
    title,
    isVoice,
  });
}

function renderDocument(file) {
  const name = file.file_name || t('document');
  const extension = name.includes('.') ? name.split('.').pop().slice(0, 4) : '';
  const stop = (event) => event.stopPropagation();
  return h(
    'a',
    {
      class: 'file',
      href: fileUrl(file.file_id),
      download: name,
      title: `${t('download')}: ${name}`,
      on: { click: stop },
    },
    h(
      'span',
      { class: 'file-icon' },
      extension ? h('b', {}, extension) : icon('file'),
      icon('download', 'file-download'),
    ),
    h(
      'span',
      { class: 'file-text' },
      h('span', { class: 'file-name' }, name),
      h('span', { class: 'file-size' }, formatSize(file.file_size)),
    ),
  );
}

function renderCard(iconName, title, detail) {
  return h(
    'div',
    { class: 'file card' },
    h('span', { class: 'file-icon' }, icon(iconName)),
    h(
      'span',
      { class: 'file-text' },
      h('span', { class: 'file-name' }, title),
      h('span', { class: 'file-size' }, detail ?? ''),
    ),
  );
}

/** One line that stands for a message: in the list, in a quote, in the reply bar. */
export function previewOf(message) {
  const text = message.text ?? message.caption;
  if (text) return text.replace(/\s+/g, ' ').trim();
  const kind = mediaKind(message);
  if (kind === 'document' || kind === 'audio') return message[kind].title || message[kind].file_name || t(kind);
  if (kind !== null) return t(kind === 'venue' ? 'location' : kind);
  return serviceText(message) ?? t('unsupported');
}

/** @returns {string|null} the line for a message about the chat itself */
export function serviceText(message) {
  if (message.new_chat_members) return t('joined', message.new_chat_members.map(nameOf).join(', '));
  if (message.left_chat_member) return t('left', nameOf(message.left_chat_member));
  if (message.pinned_message) return `${nameOf(message.from)} ${t('pinned')}`;
  if (message.forum_topic_created) return t('topicCreated', message.forum_topic_created.name);
  return null;
}
