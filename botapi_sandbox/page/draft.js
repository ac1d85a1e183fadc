/** The answer that a bot is still writing: a bubble with a soft cursor, and a stop button where the bot offers it. */

import { h, iconButton, replace } from './dom.js';
import { renderText } from './entities.js';
import { icon } from './icons.js';
import { t } from './i18n.js';

export class DraftBubble {
  /** @param {{text: import('./entities.js').TextActions, onStop: (draft: any) => void}} actions */
  constructor(actions) {
    this.actions = actions;
    this.draft = null;
    this.text = h('span', { class: 'text', testid: 'draft-text', dir: 'auto' });
    this.stopButton = iconButton(icon('stop'), t('stop'), {
      class: 'stop-button',
      testid: 'stop',
      on: { click: () => this.stop() },
    });
    this.bubble = h('div', { class: 'bubble' }, h('div', { class: 'body' }, this.text));
    this.element = h(
      'div',
      { class: 'row in first last draft', testid: 'draft', 'aria-live': 'off', hidden: true },
      h('div', { class: 'stack' }, this.bubble),
      this.stopButton,
    );
  }

  /** @param {any} draft or null */
  show(draft) {
    if (draft === this.draft) return;
    const isOther = draft?.draft_id !== this.draft?.draft_id;
    this.draft = draft;
    this.element.hidden = draft === null;
    if (draft === null) return;
    if (isOther) this.stopButton.disabled = false;
    this.stopButton.hidden = !draft.can_stop;
    this.drawText(draft);
  }

  drawText(draft) {
    const isThinking = !draft.text;
    this.element.classList.toggle('thinking', isThinking);
    this.element.setAttribute('aria-label', t('thinking'));
    if (isThinking) replace(this.text, h('span', { class: 'thinking-text' }, t('thinking')));
    else
      replace(
        this.text,
        renderText(draft.text, draft.entities, this.actions.text),
        h('span', { class: 'caret', 'aria-hidden': 'true' }),
      );
  }

  stop() {
    this.stopButton.disabled = true;
    this.actions.onStop(this.draft);
  }
}
