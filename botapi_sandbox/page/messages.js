/** The pane of bubbles: keeps the rows equal to the dialog's messages, and the scroll where the reader wants it. */

import { Albums } from './albums.js';
import { createRow } from './bubble.js';
import { h, iconButton, replace } from './dom.js';
import { DraftBubble } from './draft.js';
import { renderEmptyState } from './empty.js';
import { dayKey, formatDay } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { serviceText } from './media.js';
import { followKeys, markTabStop } from './rows.js';

const GROUP_GAP_SECONDS = 300;
const BOTTOM_SLACK_PX = 80;

export class MessagesView {
  /** @param {any} store @param {any} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    /** @type {Map<number, {message: any, node: HTMLElement}>} */
    this.rows = new Map();
    this.albums = new Albums();
    this.shownKey = '';
    this.missed = 0;
    this.isPinned = true;
    /** The message that takes the place of its draft must not jump in. */
    this.isDraftReplaced = false;
    this.build();
  }

  build() {
    this.log = h('div', {
      class: 'messages',
      role: 'log',
      'aria-live': 'polite',
      'aria-relevant': 'additions',
      'aria-label': t('newChats'),
      testid: 'messages',
    });
    this.draft = new DraftBubble({ text: this.actions.text, onStop: (draft) => this.actions.stop(draft) });
    this.empty = h('div', { class: 'empty-slot' });
    this.earlier = h(
      'button',
      { type: 'button', class: 'earlier', hidden: true, on: { click: () => this.actions.loadEarlier() } },
      t('earlier'),
    );
    this.column = h('div', { class: 'column' }, this.earlier, this.empty, this.log, this.draft.element);
    this.scroller = h('div', { class: 'scroller', tabindex: '-1' }, this.column);
    this.missedBadge = h('span', { class: 'badge', hidden: true });
    this.bottomButton = iconButton(icon('down'), t('toBottom'), {
      class: 'to-bottom',
      on: { click: () => this.scrollToEnd(true) },
    });
    this.bottomButton.append(this.missedBadge);
    this.element = h('div', { class: 'messages-pane' }, this.scroller, this.bottomButton);
    followKeys(this.log, { onReply: (id) => this.actions.bubble.onReply(this.rows.get(id)?.message) });
    this.scroller.addEventListener('scroll', () => this.noteScroll(), { passive: true });
    new ResizeObserver(() => this.isPinned && this.scrollToEnd(false)).observe(this.scroller);
    new ResizeObserver(() => this.isPinned && this.scrollToEnd(false)).observe(this.column);
  }

  noteScroll() {
    // The pane became lower, as for a keyboard: the event comes before the observers, and nobody scrolled.
    const isResized = this.paneHeight !== this.scroller.clientHeight;
    this.paneHeight = this.scroller.clientHeight;
    if (isResized && this.isPinned) return this.scrollToEnd(false);
    const left = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
    this.isPinned = left < BOTTOM_SLACK_PX;
    if (this.isPinned) this.missed = 0;
    this.drawBottomButton();
    return undefined;
  }

  drawBottomButton() {
    this.bottomButton.classList.toggle('shown', !this.isPinned);
    this.bottomButton.tabIndex = this.isPinned ? -1 : 0;
    this.missedBadge.hidden = this.missed === 0;
    this.missedBadge.textContent = String(this.missed);
  }

  scrollToEnd(isSmooth) {
    const { scrollHeight, clientHeight, scrollTop } = this.scroller;
    // A long way is jumped, so that only the last screen glides by.
    if (isSmooth) this.scroller.scrollTop = Math.max(scrollTop, scrollHeight - 2 * clientHeight);
    this.scroller.scrollTo({ top: scrollHeight, behavior: isSmooth ? 'smooth' : 'instant' });
  }

  /** @param {any} dialog @param {number|null} topic shown thread, null shows all */
  render(dialog, topic) {
    const key = `${dialog.id}@${this.store.user?.id}/${topic ?? 'all'}`;
    const isOther = key !== this.shownKey;
    if (isOther) this.reset(key);
    const heightBefore = this.scroller.scrollHeight;
    const messages = this.store.messagesOf(dialog).filter((message) => isInTopic(message, topic));
    this.isDraftReplaced = this.draft.draft !== null && dialog.draft === null;
    const added = this.syncRows(dialog, messages, isOther);
    this.earlier.hidden = !dialog.mayHaveMore;
    this.draft.show(isInTopic(dialog.draft ?? {}, topic) ? dialog.draft : null);
    this.drawEmpty(dialog, messages);
    this.settleScroll({ isOther, added, heightBefore });
  }

  reset(key) {
    this.shownKey = key;
    this.rows.clear();
    this.albums.clear();
    this.log.replaceChildren();
    this.isPinned = true;
    this.missed = 0;
  }

  /** @returns {{own: number, others: number, before: boolean}} what was added and where */
  syncRows(dialog, messages, isOther) {
    const added = { own: 0, others: 0, before: false };
    const firstShown = Math.min(...this.rows.keys());
    const items = [];
    messages.forEach((message, index) => {
      const known = this.rows.get(message.message_id);
      if (!known && !isOther) {
        added[this.store.isOwn(message) ? 'own' : 'others'] += 1;
        added.before ||= message.message_id < firstShown;
      }
      const node = known?.message === message ? known.node : this.drawRow(dialog, message, !known && !isOther);
      this.placeInGroup(node, messages[index - 1], message, messages[index + 1]);
      if (!messages[index - 1] || dayKey(messages[index - 1].date) !== dayKey(message.date))
        items.push({ node: this.dayLine(message.date), message: null });
      items.push({ node, message });
    });
    this.forgetMissing(messages);
    reconcile(this.log, this.albums.arrange(items));
    markTabStop(this.log);
    return added;
  }

  drawRow(dialog, message, isFresh) {
    const node = createRow(message, {
      ...this.actions.bubble,
      isGroup: dialog.isGroup,
      isOwn: (one) => this.store.isOwn(one),
      onJump: (id) => this.jumpTo(id),
    });
    if (isFresh && !this.isDraftReplaced) node.classList.add('fresh');
    this.rows.set(message.message_id, { message, node });
    return node;
  }

  forgetMissing(messages) {
    const present = new Set(messages.map((message) => message.message_id));
    for (const id of this.rows.keys()) if (!present.has(id)) this.rows.delete(id);
  }

  placeInGroup(node, before, message, after) {
    node.classList.toggle('first', !isSameGroup(before, message));
    node.classList.toggle('last', !isSameGroup(message, after));
  }

  dayLine(date) {
    const key = dayKey(date);
    const known = this.log.querySelector(`.day[data-day="${key}"]`);
    return known ?? h('div', { class: 'day', data: { day: key } }, h('span', {}, formatDay(date)));
  }

  drawEmpty(dialog, messages) {
    const card = this.store.cards?.card(dialog.bot?.username) ?? null;
    const key = `${this.shownKey}/${card !== null}`;
    const isEmpty = dialog.loaded && messages.length === 0 && dialog.draft === null;
    this.column.classList.toggle('is-empty', isEmpty);
    if (!isEmpty) this.empty.replaceChildren();
    else if (!this.store.isPanelAwaited && (this.empty.dataset.key !== key || this.empty.childElementCount === 0)) {
      this.empty.dataset.key = key;
      replace(this.empty, renderEmptyState(dialog, this.store.user, { card, send: this.actions.sendText }));
    }
  }

  settleScroll({ isOther, added, heightBefore }) {
    if (added.before) this.scroller.scrollTop += this.scroller.scrollHeight - heightBefore;
    else if (isOther || this.isPinned || added.own > 0) this.scrollToEnd(false);
    else this.missed += added.others;
    this.drawBottomButton();
  }

  jumpTo(id) {
    const node = this.rows.get(id)?.node;
    if (!node) return;
    node.scrollIntoView({ block: 'center', behavior: 'smooth' });
    node.classList.remove('flash');
    void node.offsetWidth;
    node.classList.add('flash');
  }

  /** @param {number} id */
  rowOf(id) {
    return this.rows.get(id)?.node ?? null;
  }
}

/** The general topic of a forum has no thread id of its own. */
export const GENERAL = 1;

function isInTopic(message, topic) {
  if (topic === null) return true;
  return (message.message_thread_id ?? GENERAL) === topic;
}

function isSameGroup(one, other) {
  if (!one || !other || serviceText(one) !== null || serviceText(other) !== null) return false;
  return (
    one.from?.id === other.from?.id &&
    other.date - one.date < GROUP_GAP_SECONDS &&
    dayKey(one.date) === dayKey(other.date)
  );
}

/** Makes the children equal to `wanted`, touching only what differs, so that players and selections survive. */
function reconcile(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}
