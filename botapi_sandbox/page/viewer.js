/** A picture over the whole page; a click or Escape closes it. */

import { h, iconButton } from './dom.js';
import { icon } from './icons.js';
import { t } from './i18n.js';

/** @param {string} url @param {string} caption */
export function openViewer(url, caption) {
  const close = () => dialog.close();
  const dialog = h(
    'dialog',
    { class: 'viewer', 'aria-label': caption || t('photo'), on: { click: close } },
    h('img', { src: url, alt: caption || t('photo') }),
    caption ? h('p', {}, caption) : null,
    h(
      'div',
      { class: 'viewer-tools' },
      h(
        'a',
        {
          class: 'icon-button',
          href: url,
          download: 'photo.jpg',
          'aria-label': t('download'),
          title: t('download'),
          on: { click: (event) => event.stopPropagation() },
        },
        icon('download'),
      ),
      iconButton(icon('close'), t('close')),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
