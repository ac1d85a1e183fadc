/** What a newcomer sees before the first message. */

import { h } from './dom.js';
import { icon, logo } from './icons.js';
import { greeting, t } from './i18n.js';
import { dialogAvatar, nameOf, peerOf } from './people.js';

/** @param {any} dialog @param {any} user @param {(text: string) => void} send */
export function renderEmptyState(dialog, user, send) {
  const code = user?.language_code;
  const texts = ['/start', greeting(code, 'hello'), greeting(code, 'helloMore')];
  const title = dialog.isGroup ? t('emptyGroup') : t('emptyTitle', nameOf(peerOf(dialog)));
  const chips = texts.map((text) =>
    h('button', { type: 'button', class: 'chip', testid: 'suggestion', on: { click: () => send(text) } }, text),
  );
  return h(
    'section',
    { class: 'empty', testid: 'empty' },
    dialogAvatar(dialog, 'huge'),
    h('h2', {}, title),
    h('p', {}, icon('shield'), t('localLong')),
    h('div', { class: 'chips' }, chips),
  );
}

/** Shown while no bot has called the server yet. */
export function renderNoBots() {
  const setting = `TELEGRAM_API_URL=${location.origin}`;
  return h(
    'section',
    { class: 'empty', testid: 'no-bots' },
    logo(),
    h('h2', {}, t('noBotsTitle')),
    h('p', {}, t('noBots')),
    h('code', { class: 'setting' }, setting),
  );
}
