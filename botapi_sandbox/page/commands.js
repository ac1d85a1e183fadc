/** The menu of a bot's commands: opened by its button, or by typing a slash. */

import { h, replace } from './dom.js';
import { t } from './i18n.js';
import { closePopover, openPopover } from './popover.js';

export class CommandsMenu {
  /** @param {{onSend: (command: string) => void, onComplete: (command: string) => void}} actions */
  constructor(actions) {
    this.actions = actions;
    /** @type {Array<{command: string, description: string}>} */
    this.commands = [];
    /** @type {Array<{command: string, description: string}>} */
    this.shown = [];
    this.chosen = 0;
    this.isOpen = false;
    this.element = h('div', {
      class: 'popover commands',
      role: 'listbox',
      id: 'commands',
      'aria-label': t('commands'),
      testid: 'commands-menu',
      hidden: true,
    });
  }

  /** @param {Array<{command: string, description: string}>} commands */
  setCommands(commands) {
    this.commands = commands;
    this.close();
  }

  /** Opens, narrows or closes the menu as the text of the composer says. */
  follow(text) {
    const typed = /^\/([a-z0-9_@]*)$/i.exec(text);
    const found = typed ? this.commands.filter((one) => one.command.startsWith(typed[1].toLowerCase())) : [];
    if (found.length > 0) this.open(found, null);
    else this.close();
  }

  /** @param {HTMLElement} button */
  toggle(button) {
    if (this.isOpen) this.close();
    else this.open(this.commands, button);
  }

  open(commands, button) {
    this.shown = commands;
    this.chosen = 0;
    this.draw();
    openPopover(this.element, button, () => (this.isOpen = false));
    this.isOpen = true;
  }

  close() {
    if (this.isOpen) closePopover();
  }

  draw() {
    replace(
      this.element,
      this.shown.map((one, index) =>
        h(
          'button',
          {
            type: 'button',
            role: 'option',
            class: 'command',
            'aria-selected': String(index === this.chosen),
            data: { command: one.command },
            on: { click: () => this.choose(one) },
          },
          h('b', {}, `/${one.command}`),
          h('span', {}, one.description),
        ),
      ),
    );
  }

  choose(one) {
    this.close();
    this.actions.onSend(`/${one.command}`);
  }

  /** @param {KeyboardEvent} event of the composer @returns {boolean} whether the menu used it */
  handleKey(event) {
    if (!this.isOpen) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.chosen = (this.chosen + step + this.shown.length) % this.shown.length;
      this.draw();
      this.element.children[this.chosen]?.scrollIntoView({ block: 'nearest' });
      return true;
    }
    if (event.key === 'Tab') {
      const { command } = this.shown[this.chosen];
      this.close();
      this.actions.onComplete(`/${command} `);
      return true;
    }
    if (event.key !== 'Enter' || event.shiftKey) return false;
    this.choose(this.shown[this.chosen]);
    return true;
  }
}
