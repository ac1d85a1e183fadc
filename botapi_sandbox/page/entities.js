/** Text with entities as DOM nodes. Offsets are UTF-16 units, which is how JavaScript counts, too. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { t } from './i18n.js';

const SAFE_SCHEME = /^(https?|mailto|tel|tg|ton):/i;
const BLOCKS = new Set(['pre', 'blockquote', 'expandable_blockquote']);
const SIMPLE_TAGS = { bold: 'strong', italic: 'em', underline: 'u', strikethrough: 's', code: 'code' };

/**
 * @typedef {{type: string, offset: number, length: number, url?: string, language?: string, user?: any}} Entity
 * @typedef {{onCommand: (command: string) => void, onLink: (url: string) => boolean, onMention: (name: string) => void,
 *   onCopy: (text: string) => void}} TextActions
 */

/**
 * @param {string} text
 * @param {Entity[]|undefined} entities
 * @param {TextActions} actions
 * @returns {DocumentFragment}
 */
export function renderText(text, entities, actions) {
  const ordered = [...(entities ?? [])].filter((entity) => entity.length > 0).sort(byOpening);
  const fragment = document.createDocumentFragment();
  fillRange(fragment, { text, start: 0, end: text.length }, ordered, actions);
  return fragment;
}

const byOpening = (a, b) => a.offset - b.offset || b.length - a.length;
const endOf = (entity) => entity.offset + entity.length;

/** Fills `parent` with the range; an entity that overlaps another's end is split in two, as clients do. */
function fillRange(parent, range, entities, actions) {
  let position = range.start;
  let isAfterBlock = false;
  const queue = [...entities];
  const writeUpTo = (end) => {
    if (end > position) appendPlain(parent, range.text.slice(position, end), isAfterBlock);
  };
  while (queue.length > 0) {
    const entity = queue.shift();
    const start = Math.max(entity.offset, position);
    const end = Math.min(endOf(entity), range.end);
    if (end <= start) continue;
    writeUpTo(start);
    const inner = takeInner(queue, end);
    const node = createNode(entity, range.text.slice(start, end), actions);
    fillRange(node.holder, { text: range.text, start, end }, inner, actions);
    parent.append(node.outer);
    position = end;
    isAfterBlock = BLOCKS.has(entity.type);
  }
  writeUpTo(range.end);
}

/** A block ends its line by itself: the line break after it stays in the text but is not shown. */
function appendPlain(parent, text, isAfterBlock) {
  const isEaten = isAfterBlock && text.startsWith('\n');
  if (isEaten) parent.append(h('span', { class: 'eaten' }, '\n'));
  parent.append(isEaten ? text.slice(1) : text);
}

/** Takes from the queue what begins before `end`; the part that sticks out goes back into the queue. */
function takeInner(queue, end) {
  const inner = [];
  const outer = [];
  for (const entity of queue) {
    if (entity.offset >= end) outer.push(entity);
    else {
      inner.push({ ...entity, length: Math.min(endOf(entity), end) - entity.offset });
      if (endOf(entity) > end) outer.push({ ...entity, offset: end, length: endOf(entity) - end });
    }
  }
  queue.splice(0, queue.length, ...outer.sort(byOpening));
  return inner;
}

const plain = (outer) => ({ outer, holder: outer });

/** @returns {{outer: HTMLElement, holder: HTMLElement}} */
function createNode(entity, content, actions) {
  if (SIMPLE_TAGS[entity.type]) return plain(h(SIMPLE_TAGS[entity.type]));
  switch (entity.type) {
    case 'spoiler':
      return plain(createSpoiler());
    case 'pre':
      return createPre(entity, content, actions);
    case 'text_link':
      return plain(createLink(entity.url ?? '', actions));
    case 'url':
      return plain(createLink(SAFE_SCHEME.test(content) ? content : `http://${content}`, actions));
    case 'email':
      return plain(createLink(`mailto:${content}`, actions));
    case 'phone_number':
      return plain(createLink(`tel:${content.replace(/[^\d+]/g, '')}`, actions));
    case 'bot_command':
      return plain(createAction('command', () => actions.onCommand(content)));
    case 'mention':
      return plain(createAction('mention', () => actions.onMention(content.slice(1))));
    case 'blockquote':
      return plain(h('blockquote'));
    case 'expandable_blockquote':
      return createExpandable();
    default:
      return plain(h('span', { class: `entity entity-${entity.type.replace(/[^a-z_]/g, '')}` }));
  }
}

function createLink(url, actions) {
  if (!SAFE_SCHEME.test(url)) return h('span', { class: 'entity' });
  const handled = (event) => {
    event.stopPropagation();
    if (actions.onLink(url)) event.preventDefault();
  };
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer', title: url, on: { click: handled } });
}

function createAction(kind, run) {
  const press = (event) => {
    event.preventDefault();
    event.stopPropagation();
    run();
  };
  return h('a', { class: `entity-${kind}`, href: '#', on: { click: press } });
}

function createSpoiler() {
  const node = h('span', { class: 'spoiler', role: 'button', tabindex: '0', 'aria-label': t('reveal') });
  const reveal = (event) => {
    if (node.classList.contains('revealed')) return;
    event.preventDefault();
    event.stopPropagation();
    node.classList.add('revealed');
    for (const name of ['role', 'tabindex', 'aria-label']) node.removeAttribute(name);
  };
  node.addEventListener('click', reveal, true);
  node.addEventListener('keydown', (event) => (event.key === 'Enter' || event.key === ' ') && reveal(event));
  return node;
}

function createPre(entity, content, actions) {
  const code = h('code');
  const copy = (event) => {
    event.stopPropagation();
    actions.onCopy(content);
    button.replaceChildren(icon('check'));
    setTimeout(() => button.replaceChildren(icon('copy')), 1500);
  };
  const button = h(
    'button',
    { type: 'button', class: 'pre-copy', 'aria-label': t('copy'), title: t('copy'), on: { click: copy } },
    icon('copy'),
  );
  const outer = h(
    'span',
    { class: 'pre', data: { language: entity.language || '' } },
    h('pre', { tabindex: '0' }, code),
    button,
  );
  return { outer, holder: code };
}

function createExpandable() {
  const holder = h('span', { class: 'expandable-text' });
  const toggle = (event) => {
    event.stopPropagation();
    const isOpen = outer.classList.toggle('open');
    button.setAttribute('aria-expanded', String(isOpen));
    button.setAttribute('aria-label', t(isOpen ? 'showLess' : 'showMore'));
  };
  const button = h(
    'button',
    {
      type: 'button',
      class: 'expandable-toggle',
      'aria-expanded': 'false',
      'aria-label': t('showMore'),
      on: { click: toggle },
    },
    icon('chevron'),
  );
  const outer = h('blockquote', { class: 'expandable' }, holder, button);
  return { outer, holder };
}
