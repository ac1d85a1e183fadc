/** Short notices at the top of the chat, and alerts that wait for a press. */

import { h } from './dom.js';
import { t } from './i18n.js';

const SHOWN_MS = 4000;
const host = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
document.getElementById('overlays')?.append(host);

/** @param {string} text @param {'info'|'error'} [kind] */
export function showToast(text, kind = 'info') {
  while (host.children.length > 2) host.firstChild?.remove();
  const node = h('div', { class: `toast toast-${kind}`, testid: 'toast' }, text);
  const leave = () => {
    node.classList.add('leaving');
    setTimeout(() => node.remove(), 250);
  };
  node.addEventListener('click', leave);
  host.append(node);
  setTimeout(leave, SHOWN_MS + text.length * 30);
}

/** @param {string} text */
export function showAlert(text) {
  const close = () => dialog.close();
  const button = h('button', { type: 'button', class: 'button primary', on: { click: close } }, t('ok'));
  const dialog = h(
    'dialog',
    { class: 'modal alert', testid: 'toast' },
    h('p', {}, text),
    h('div', { class: 'modal-actions' }, button),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
