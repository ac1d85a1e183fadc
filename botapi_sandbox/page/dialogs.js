/** The list of dialogs on the left. */

import { h, replace } from './dom.js';
import { formatMoment } from './format.js';
import { actionText, t } from './i18n.js';
import { previewOf } from './media.js';
import { dialogAvatar, nameOf, peerOf } from './people.js';
import { hashOf } from './route.js';

export class DialogList {
  /** @param {any} store @param {(id: string) => void} onOpen */
  constructor(store, onOpen) {
    this.store = store;
    this.onOpen = onOpen;
    /** @type {Map<string, HTMLElement>} */
    this.items = new Map();
    this.list = h('ul', { class: 'dialog-list', testid: 'dialog-list' });
    this.element = h('nav', { class: 'dialogs', 'aria-label': t('dialogs') }, this.list);
    this.list.addEventListener('keydown', (event) => this.moveFocus(event));
  }

  render() {
    const dialogs = this.store.dialogsOf(this.store.user);
    const wanted = dialogs.map((dialog) => this.itemOf(dialog));
    for (const [id] of this.items) if (!dialogs.some((dialog) => dialog.id === id)) this.items.delete(id);
    if (wanted.length !== this.list.children.length || wanted.some((item, index) => this.list.children[index] !== item))
      replace(this.list, wanted);
  }

  /** Items stay the same nodes while their words change, so that keyboard focus is never lost. */
  itemOf(dialog) {
    let item = this.items.get(dialog.id);
    if (!item) {
      item = h('li', {}, h('a', { class: 'dialog-item', testid: 'dialog-item', data: { dialog: dialog.id } }));
      item.firstChild.addEventListener('click', (event) => {
        event.preventDefault();
        this.onOpen(dialog.id);
      });
      this.items.set(dialog.id, item);
    }
    this.drawItem(item.firstChild, dialog);
    return item;
  }

  drawItem(link, dialog) {
    const last = this.store.lastMessage(dialog);
    const unread = this.store.unreadCount(dialog);
    const name = nameOf(peerOf(dialog));
    const state = [
      dialog.id,
      last?.message_id,
      last?.edit_date,
      last?.text,
      unread,
      dialog.typing?.action,
      dialog.draft?.text,
      this.store.user.id,
      name,
    ].join('|');
    link.setAttribute('href', hashOf(dialog, this.store.user));
    if (dialog.id === this.store.currentId) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    if (link.dataset.state === state) return;
    link.dataset.state = state;
    replace(
      link,
      dialogAvatar(dialog, 'large'),
      h(
        'span',
        { class: 'dialog-text' },
        h(
          'span',
          { class: 'dialog-top' },
          h('span', { class: 'dialog-name' }, name),
          last ? h('time', {}, formatMoment(last.date)) : null,
        ),
        h(
          'span',
          { class: 'dialog-bottom' },
          this.lastLine(dialog, last),
          unread ? h('span', { class: 'badge', 'aria-label': t('unread', unread) }, String(unread)) : null,
        ),
      ),
    );
  }

  lastLine(dialog, last) {
    if (dialog.draft) return h('span', { class: 'dialog-last active' }, dialog.draft.text || t('thinking'));
    if (dialog.typing) return h('span', { class: 'dialog-last active' }, `${actionText(dialog.typing.action)}…`);
    if (!last) return h('span', { class: 'dialog-last' }, dialog.bot ? `@${dialog.bot.username}` : t('noMessages'));
    const who = this.store.isOwn(last) ? `${t('you')}: ` : dialog.isGroup ? `${nameOf(last.from)}: ` : '';
    return h('span', { class: 'dialog-last' }, who ? h('span', { class: 'dialog-who' }, who) : null, previewOf(last));
  }

  moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const links = [...this.list.querySelectorAll('a')];
    const next = links[links.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
