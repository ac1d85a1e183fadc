/** The bar above the composer: which message is answered or changed. */

import { h, iconButton, replace } from './dom.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { previewOf } from './media.js';
import { hueOf, nameOf } from './people.js';

export class SubjectBar {
  /** @param {() => void} onCancel */
  constructor(onCancel) {
    this.onCancel = onCancel;
    /** @type {any} */
    this.message = null;
    this.isEdit = false;
    this.element = h('div', { class: 'subject-bar', hidden: true });
  }

  /** @param {any} message or null @param {boolean} isEdit */
  show(message, isEdit) {
    this.message = message;
    this.isEdit = isEdit && message !== null;
    this.element.hidden = message === null;
    if (message === null) return;
    const hue = hueOf(message.from?.id);
    replace(
      this.element,
      icon(isEdit ? 'pencil' : 'reply'),
      h(
        'div',
        { class: `quote hue-${hue}` },
        h('b', { class: `hue-text-${hue}` }, isEdit ? t('editing') : nameOf(message.from)),
        h('span', {}, previewOf(message)),
      ),
      iconButton(icon('close'), t(isEdit ? 'cancelEdit' : 'cancelReply'), { on: { click: this.onCancel } }),
    );
  }
}
