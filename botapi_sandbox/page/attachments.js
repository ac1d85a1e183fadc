/** Sending files: the attach menu, pasting, dropping; a preview with a caption before anything is sent. */

import { h, iconButton } from './dom.js';
import { formatSize } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { closePopover, togglePopover } from './popover.js';
import { showToast } from './toast.js';

const LARGEST_BYTES = 100 * 1024 * 1024;
const LARGEST_ALBUM = 10;
const CHOICES = [
  { kind: 'photo', icon: 'image', text: 'attachPhoto', accept: 'image/*,video/*' },
  { kind: 'document', icon: 'file', text: 'attachFile', accept: '' },
  { kind: 'audio', icon: 'music', text: 'attachAudio', accept: 'audio/*,.ogg,.oga,.opus,.mp3,.m4a,.wav,.flac' },
  { kind: 'voice', icon: 'mic', text: 'voice', accept: 'audio/*,.ogg,.oga,.opus' },
  { kind: 'video_note', icon: 'play', text: 'attachNote', accept: 'video/*' },
];

/** @typedef {{kind: string, file: File, caption: string, albumId: string|null, duration: number|null}} Upload */

export class Attachments {
  /** @param {{onSend: (upload: Upload) => Promise<void>, canSend: () => boolean}} actions */
  constructor(actions) {
    this.actions = actions;
    this.kind = 'document';
    this.input = h('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      testid: 'file-input',
      on: { change: () => this.takeChosen() },
    });
    this.panel = h(
      'div',
      { class: 'popover attach-panel', role: 'menu', hidden: true },
      CHOICES.map((choice) => this.renderChoice(choice)),
    );
    this.button = iconButton(icon('attach'), t('attach'), {
      class: 'attach',
      testid: 'attach',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      on: { click: () => togglePopover(this.panel, this.button) },
    });
    this.element = h('div', { class: 'attach-box' }, this.button, this.panel, this.input);
    this.curtain = h('div', { class: 'curtain', hidden: true }, h('span', {}, icon('download'), t('dropHere')));
  }

  renderChoice(choice) {
    const open = () => {
      closePopover();
      this.choose(choice.kind);
    };
    return h(
      'button',
      { type: 'button', role: 'menuitem', class: 'menu-item', data: { kind: choice.kind }, on: { click: open } },
      icon(choice.icon),
      t(choice.text),
    );
  }

  /** Opens the system's file chooser for a kind of file. */
  choose(kind) {
    this.kind = kind;
    this.input.accept = CHOICES.find((choice) => choice.kind === kind)?.accept ?? '';
    this.input.value = '';
    this.input.click();
  }

  takeChosen() {
    this.preview([...this.input.files], this.kind);
  }

  /** @param {HTMLElement} area that takes pasted and dropped files */
  listenTo(area) {
    let depth = 0;
    const hasFiles = (event) => event.dataTransfer?.types.includes('Files') && this.actions.canSend();
    const show = (change) => {
      depth = Math.max(0, depth + change);
      this.curtain.hidden = depth === 0;
    };
    area.addEventListener('dragenter', (event) => hasFiles(event) && show(1));
    area.addEventListener('dragleave', (event) => hasFiles(event) && show(-1));
    area.addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
    area.addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      show(-depth);
      this.preview([...event.dataTransfer.files], 'photo');
    });
    document.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0 || !this.actions.canSend()) return;
      event.preventDefault();
      this.preview(files, 'photo');
    });
  }

  /** @param {File[]} files @param {string} kind 'photo' means: each as what it is */
  preview(files, kind) {
    const fitting = files.filter((file) => file.size <= LARGEST_BYTES).slice(0, LARGEST_ALBUM);
    if (fitting.length < files.length) showToast(t('tooBig'), 'error');
    if (fitting.length === 0) return;
    const urls = [];
    const caption = h('input', {
      type: 'text',
      class: 'field',
      placeholder: t('caption'),
      'aria-label': t('caption'),
      maxlength: '1024',
      testid: 'caption',
    });
    const asFile = h('input', { type: 'checkbox' });
    const offersFile = kind === 'photo' && fitting.some((file) => kindOf(file, kind) !== 'document');
    const send = (event) => {
      event.preventDefault();
      dialog.close();
      this.send(fitting, asFile.checked ? 'document' : kind, caption.value.trim());
    };
    const dialog = h(
      'dialog',
      { class: 'modal upload' },
      h(
        'form',
        { on: { submit: send } },
        h('h2', {}, fitting.length === 1 ? t(kindOf(fitting[0], kind)) : t('files', fitting.length)),
        h(
          'div',
          { class: fitting.length > 1 ? 'upload-files many' : 'upload-files' },
          fitting.map((file) => renderPreview(file, kind, urls)),
        ),
        offersFile ? h('label', { class: 'check' }, asFile, t('asFile')) : null,
        caption,
        h(
          'div',
          { class: 'modal-actions' },
          h('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, t('cancel')),
          h('button', { type: 'submit', class: 'button primary', testid: 'upload-send' }, t('sendFile')),
        ),
      ),
    );
    dialog.addEventListener('close', () => {
      urls.forEach((url) => URL.revokeObjectURL(url));
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    caption.focus();
  }

  /** Several pictures become an album, its caption stands on the first. */
  async send(files, kind, caption) {
    const albumId = files.length > 1 ? String(Date.now()) : null;
    for (const [index, file] of files.entries()) {
      const actual = kindOf(file, kind);
      const duration = actual === 'photo' || actual === 'document' ? null : await durationOf(file);
      await this.actions.onSend({ kind: actual, file, caption: index === 0 ? caption : '', albumId, duration });
    }
  }
}

/** @param {File} file @param {string} wanted */
function kindOf(file, wanted) {
  if (wanted !== 'photo') return wanted;
  if (file.type.startsWith('image/') && file.type !== 'image/svg+xml')
    return file.type === 'image/gif' ? 'document' : 'photo';
  if (file.type.startsWith('video/')) return 'video';
  return file.type.startsWith('audio/') ? 'audio' : 'document';
}

function renderPreview(file, kind, urls) {
  const actual = kindOf(file, kind);
  if (actual !== 'photo') {
    return h(
      'div',
      { class: 'file' },
      h('span', { class: 'file-icon' }, icon('file')),
      h(
        'span',
        { class: 'file-text' },
        h('span', { class: 'file-name' }, file.name),
        h('span', { class: 'file-size' }, formatSize(file.size)),
      ),
    );
  }
  const url = URL.createObjectURL(file);
  urls.push(url);
  return h('img', { src: url, alt: file.name });
}

/** @returns {Promise<number|null>} whole seconds, null when this browser cannot tell */
function durationOf(file) {
  const media = h(file.type.startsWith('video/') ? 'video' : 'audio', { preload: 'metadata' });
  const url = URL.createObjectURL(file);
  return new Promise((resolve) => {
    const done = () => {
      URL.revokeObjectURL(url);
      resolve(Number.isFinite(media.duration) ? Math.max(1, Math.round(media.duration)) : null);
    };
    media.addEventListener('loadedmetadata', done);
    media.addEventListener('error', done);
    setTimeout(done, 3000);
    media.src = url;
  });
}
