/** Who is writing: a switcher of users at the top of the list. */

import { h, iconButton, replace } from './dom.js';
import { formatLanguage } from './format.js';
import { icon } from './icons.js';
import { language, t } from './i18n.js';
import { avatar, nameOf } from './people.js';
import { closePopover, togglePopover } from './popover.js';

export class UserSwitch {
  /** @param {any} store @param {{onChoose: (id: number) => void, onAdd: (fields: any) => Promise<void>}} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.panel = h('div', { class: 'popover user-panel', hidden: true });
    this.button = h('button', {
      type: 'button',
      class: 'user-switch',
      testid: 'user-switch',
      'aria-haspopup': 'true',
      'aria-expanded': 'false',
      on: { click: () => togglePopover(this.panel, this.button) },
    });
    this.element = h('div', { class: 'user-box' }, this.button, this.panel);
    this.shown = '';
  }

  render() {
    const { user, users } = this.store;
    if (!user) return;
    const state = JSON.stringify([user.id, users]);
    if (state === this.shown) return;
    this.shown = state;
    replace(this.button, h('span', { class: 'visually-hidden' }, `${t('writingAs')}: `), avatar(user, 'medium'), this.describe(user), icon('chevron'));
    replace(
      this.panel,
      h('div', { class: 'popover-title' }, t('writingAs')),
      users.map((one) => this.renderChoice(one)),
      this.renderForm(),
    );
  }

  describe(user) {
    const about = [user.username ? `@${user.username}` : '', formatLanguage(user.language_code)]
      .filter(Boolean)
      .join(' · ');
    return h('span', { class: 'user-text' }, h('b', {}, nameOf(user)), h('small', {}, about));
  }

  renderChoice(user) {
    const choose = () => {
      closePopover();
      this.actions.onChoose(user.id);
    };
    const isChosen = user.id === this.store.user.id;
    return h(
      'button',
      {
        type: 'button',
        class: 'user-choice',
        data: { userId: user.id },
        'aria-pressed': String(isChosen),
        on: { click: choose },
      },
      avatar(user, 'medium'),
      this.describe(user),
      isChosen ? icon('check') : null,
    );
  }

  renderForm() {
    const name = h('input', {
      type: 'text',
      name: 'first_name',
      required: true,
      maxlength: '64',
      placeholder: t('name'),
      'aria-label': t('name'),
      autocomplete: 'off',
    });
    const code = h(
      'select',
      { name: 'language_code', 'aria-label': t('languageName') },
      ['ru', 'en', 'de', 'es', 'fr'].map((one) => h('option', { value: one, selected: one === language }, one)),
    );
    const submit = async (event) => {
      event.preventDefault();
      const firstName = name.value.trim();
      if (!firstName) return;
      closePopover();
      await this.actions.onAdd({ first_name: firstName, language_code: code.value });
    };
    return h(
      'form',
      { class: 'user-form', 'aria-label': t('addUser'), on: { submit } },
      name,
      code,
      iconButton(icon('plus'), t('addUser'), { type: 'submit' }),
    );
  }
}
