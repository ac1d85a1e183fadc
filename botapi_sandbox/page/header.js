/** The bar above the chat: who it is with, what they do now, blocking; and the topics of a forum. */

import { h, iconButton, replace } from './dom.js';
import { icon } from './icons.js';
import { actionText, t } from './i18n.js';
import { GENERAL } from './messages.js';
import { dialogAvatar, nameOf, peerOf } from './people.js';
import { closePopover, togglePopover } from './popover.js';

export class ChatHeader {
  /** @param {{onBack: () => void, onBlock: (blocked: boolean) => void}} actions */
  constructor(actions) {
    this.actions = actions;
    this.shown = '';
    this.face = h('span', { class: 'header-face' });
    this.name = h('h1', { class: 'header-name' });
    this.status = h('div', { class: 'header-status' });
    this.typing = h('div', { class: 'header-status active', testid: 'typing', role: 'status', hidden: true });
    this.panel = h('div', { class: 'popover header-panel', hidden: true });
    this.more = iconButton(icon('more'), t('menu'), {
      'aria-haspopup': 'true',
      'aria-expanded': 'false',
      on: { click: () => togglePopover(this.panel, this.more) },
    });
    this.element = h(
      'header',
      { class: 'chat-header' },
      iconButton(icon('back'), t('back'), { class: 'back', testid: 'back', on: { click: actions.onBack } }),
      this.face,
      h('div', { class: 'header-text' }, this.name, this.status, this.typing),
      h('div', { class: 'header-tools' }, this.more, this.panel),
    );
  }

  render(dialog) {
    this.drawStatus(dialog);
    const state = JSON.stringify([dialog.id, peerOf(dialog), dialog.blocked]);
    if (state === this.shown) return;
    this.shown = state;
    replace(this.face, dialogAvatar(dialog, 'medium'));
    this.name.textContent = nameOf(peerOf(dialog));
    this.status.textContent = dialog.isGroup
      ? t('members', dialog.group?.members?.length ?? 0)
      : `@${dialog.bot?.username ?? ''}`;
    this.more.hidden = dialog.isGroup;
    const toggle = () => {
      closePopover();
      this.actions.onBlock(!dialog.blocked);
    };
    replace(
      this.panel,
      h(
        'button',
        { type: 'button', class: 'menu-item', testid: 'block', on: { click: toggle } },
        icon('block'),
        t(dialog.blocked ? 'unblock' : 'block'),
      ),
    );
  }

  drawStatus(dialog) {
    const text =
      dialog.draft && !dialog.draft.text
        ? t('thinking').replace('…', '')
        : dialog.typing || dialog.draft
          ? actionText(dialog.typing?.action ?? 'typing')
          : null;
    this.typing.hidden = text === null;
    this.status.hidden = text !== null;
    if (text === null || this.typing.dataset.text === text) return;
    this.typing.dataset.text = text;
    replace(this.typing, text, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')));
  }
}

export class TopicTabs {
  /** @param {(topic: number|null) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.shown = '';
    this.element = h('div', { class: 'topics', role: 'tablist', 'aria-label': t('topics'), hidden: true });
  }

  render(dialog, chosen) {
    const hasTopics = dialog.topics.length > 0 || Boolean(dialog.group?.is_forum);
    this.element.hidden = !hasTopics;
    const state = JSON.stringify([dialog.id, dialog.topics, chosen]);
    if (!hasTopics || state === this.shown) return;
    this.shown = state;
    const named = dialog.topics.filter((topic) => topic.id !== GENERAL);
    const tabs = [{ id: null, name: t('allTopics') }, { id: GENERAL, name: t('general') }, ...named];
    replace(
      this.element,
      tabs.map((tab) =>
        h(
          'button',
          {
            type: 'button',
            role: 'tab',
            class: 'topic',
            'aria-selected': String(tab.id === chosen),
            data: { topic: tab.id ?? 'all' },
            on: { click: () => this.onChoose(tab.id) },
          },
          tab.name,
        ),
      ),
    );
  }
}
