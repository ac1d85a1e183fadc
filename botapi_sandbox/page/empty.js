/** What a newcomer sees before the first message. */

import { h } from './dom.js';
import { icon, logo } from './icons.js';
import { greeting, t } from './i18n.js';
import { dialogAvatar, nameOf, peerOf } from './people.js';

/**
 * @param {any} dialog @param {any} user
 * @param {{card: {about: any, examples: any[]}|null, send: (text: string) => void}} options the card says what the bot
 *   is for, in two languages
 */
export function renderEmptyState(dialog, user, { card, send }) {
  const code = user?.language_code;
  const own = card?.examples?.map((one) => inLanguage(one, code)) ?? [];
  const texts = own.length ? own : [greeting(code, 'hello'), greeting(code, 'helloMore')];
  if (!dialog.isGroup || own.length === 0) texts.unshift('/start');
  const name = nameOf(peerOf(dialog));
  const title = dialog.isGroup ? t('emptyGroup') : card ? name : t('emptyTitle', name);
  const chips = texts.map((text) =>
    h('button', { type: 'button', class: 'chip', testid: 'suggestion', on: { click: () => send(text) } }, text),
  );
  return h(
    'section',
    { class: 'empty', testid: 'empty' },
    dialogAvatar(dialog, 'huge'),
    h('h2', {}, title),
    card ? h('p', { class: 'about', testid: 'about' }, inLanguage(card.about, code)) : null,
    card ? null : h('p', {}, icon('shield'), t('localLong')),
    h('div', { class: 'chips' }, chips),
  );
}

/** @param {any} texts by language @param {string|undefined} code of the person */
const inLanguage = (texts, code) => (texts[code === 'ru' ? 'ru' : 'en'] ?? '').trim();

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
