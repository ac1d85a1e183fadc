/** Names and avatars of users, bots and groups. */

import { h } from './dom.js';
import { icon } from './icons.js';

const HUES = 7;
/** Names of bots and groups in the language of the acting person, by id. @type {Map<number, string>} */
const peerNames = new Map();

/** @param {any[]} peers */
export function namePeers(peers) {
  for (const peer of peers) peerNames.set(peer.id, peer.name);
}

/** @param {any} person user, bot or chat of the Bot API */
export function nameOf(person) {
  if (!person) return '';
  const peerName = peerNames.get(person.id);
  if (peerName) return peerName;
  const full = [person.first_name, person.last_name].filter(Boolean).join(' ');
  return full || person.name || person.title || person.username || String(person.id ?? '');
}

/** One of seven colours, the same for a person everywhere. */
export const hueOf = (id) => Math.abs(Number(id) || 0) % HUES;

function initialsOf(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0] ?? '?'];
  return letters
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase();
}

/** @param {any} person @param {'small'|'medium'|'large'|'huge'} [size] */
export function avatar(person, size = 'medium') {
  return h(
    'span',
    { class: `avatar avatar-${size} hue-${hueOf(person?.id)}`, 'aria-hidden': 'true' },
    initialsOf(nameOf(person)),
  );
}

/** The peer of a dialog: its bot or its group. */
export const peerOf = (dialog) => (dialog.isGroup ? dialog.group : dialog.bot) ?? { id: 0, name: dialog.id };

/** @param {any} dialog @param {'small'|'medium'|'large'|'huge'} [size] */
export function dialogAvatar(dialog, size = 'medium') {
  const node = avatar(peerOf(dialog), size);
  if (dialog.isGroup) node.append(h('span', { class: 'avatar-badge' }, icon('group')));
  return node;
}
