/** Keyboards of bots: inline ones under a bubble, reply ones under the composer. */

import { h, replace } from './dom.js';
import { icon } from './icons.js';

const MARKS = { url: 'link', copy_text: 'copy', request_contact: 'contact', request_location: 'pin' };

function markOf(button) {
  const kind = Object.keys(MARKS).find((name) => button[name]);
  return kind ? icon(MARKS[kind], 'button-mark') : null;
}

/**
 * @param {any} message with an inline keyboard
 * @param {{isPending: (message: any, data: string) => boolean, onPress: (message: any, button: any) => void}} actions
 * @returns {HTMLElement|null}
 */
export function renderInlineKeyboard(message, actions) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  const renderButton = (button) => {
    const isPending = button.callback_data !== undefined && actions.isPending(message, button.callback_data);
    const node = h(
      'button',
      {
        type: 'button',
        class: `inline-button style-${button.style ?? 'plain'}`,
        testid: 'inline-button',
        'aria-busy': isPending ? 'true' : null,
        data: { callback: button.callback_data ?? '' },
      },
      h('span', {}, button.text),
      markOf(button),
      h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    );
    node.addEventListener('click', () => actions.onPress(message, button));
    return node;
  };
  return h(
    'div',
    { class: 'inline-keyboard' },
    rows.map((row) => h('div', { class: 'inline-row' }, row.map(renderButton))),
  );
}

/** Shows on every button of the message whether its press still waits for the bot. */
export function markPending(row, data, isPending) {
  for (const button of row.querySelectorAll('.inline-button')) {
    if (button.dataset.callback !== data) continue;
    if (isPending) button.setAttribute('aria-busy', 'true');
    else button.removeAttribute('aria-busy');
  }
}

/** The panel under the composer that a bot's reply keyboard fills. */
export class ReplyKeyboard {
  /** @param {(button: any) => void} onPress */
  constructor(onPress) {
    this.onPress = onPress;
    this.element = h('div', { class: 'reply-keyboard', role: 'group', hidden: true });
    this.markup = null;
    this.isFolded = false;
  }

  /** @param {any} markup a ReplyKeyboardMarkup or null */
  show(markup) {
    if (markup === this.markup) return;
    this.markup = markup;
    this.isFolded = false;
    this.draw();
  }

  toggle() {
    this.isFolded = !this.isFolded;
    this.element.hidden = this.isFolded || this.markup === null;
  }

  draw() {
    const rows = this.markup?.keyboard ?? [];
    this.element.hidden = rows.length === 0 || this.isFolded;
    this.element.classList.toggle('compact', Boolean(this.markup?.resize_keyboard));
    replace(
      this.element,
      rows.map((row) =>
        h(
          'div',
          { class: 'reply-row' },
          row.map((button) => this.renderButton(button)),
        ),
      ),
    );
  }

  renderButton(button) {
    const press = () => {
      if (this.markup?.one_time_keyboard) this.toggle();
      this.onPress(typeof button === 'string' ? { text: button } : button);
    };
    const text = typeof button === 'string' ? button : button.text;
    return h(
      'button',
      {
        type: 'button',
        class: `reply-button style-${button.style ?? 'plain'}`,
        testid: 'reply-button',
        on: { click: press },
      },
      text,
      markOf(button),
    );
  }
}
