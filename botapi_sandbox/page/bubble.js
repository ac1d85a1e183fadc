/** One message as a row of the chat. */

import { h } from './dom.js';
import { renderText } from './entities.js';
import { formatClock, formatFull } from './format.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { renderInlineKeyboard } from './keyboards.js';
import { isBare, isEdgeless, mediaKind, previewOf, renderMedia, serviceText } from './media.js';
import { avatar, hueOf, nameOf } from './people.js';

/**
 * @typedef {{isOwn: (message: any) => boolean, isGroup: boolean, text: import('./entities.js').TextActions,
 *   keyboard: any, onReply: (message: any) => void, onEdit: (message: any) => void,
 *   onJump: (id: number) => void}} BubbleContext
 */

/** @param {any} message @param {BubbleContext} context @returns {HTMLElement} */
export function createRow(message, context) {
  const service = serviceText(message);
  if (service !== null) return createServiceRow(message, service, context);
  const isOwn = context.isOwn(message);
  const kind = mediaKind(message);
  const bubble = createBubble(message, kind, context);
  const reply = () => context.onReply(message);
  const tools = [rowTool('reply', t('reply'), reply)];
  if (isOwn && message.text !== undefined) tools.push(rowTool('pencil', t('edit'), () => context.onEdit(message)));
  const row = h(
    'article',
    {
      class: `row ${isOwn ? 'out' : 'in'}`,
      testid: 'message',
      tabindex: '-1',
      data: { messageId: message.message_id, out: String(isOwn) },
      'aria-label': `${isOwn ? t('you') : nameOf(message.from)}, ${formatClock(message.date)}`,
    },
    context.isGroup && !isOwn ? h('div', { class: 'row-avatar' }, avatar(message.from, 'small')) : null,
    h('div', { class: 'stack' }, bubble, renderInlineKeyboard(message, context.keyboard)),
    h('div', { class: 'row-tools' }, tools),
  );
  bubble.addEventListener('click', (event) => isPlainClick(event) && reply());
  return row;
}

/** A tab stop while the focus is in its message, as rows.js has it. */
function rowTool(iconName, label, press) {
  const props = {
    type: 'button',
    class: 'row-tool',
    tabindex: '-1',
    'aria-label': label,
    title: label,
    on: { click: press },
  };
  return h('button', props, icon(iconName));
}

/** A click that was meant for a link, a control or a selection of text does not start a reply. */
function isPlainClick(event) {
  if (event.target.closest('a, button, audio, video, pre, [role=slider], [role=button]')) return false;
  return String(getSelection() ?? '') === '';
}

function createServiceRow(message, text, context) {
  return h(
    'article',
    {
      class: 'service',
      testid: 'message',
      data: { messageId: message.message_id, out: String(context.isOwn(message)) },
    },
    h('span', { testid: 'message-text' }, text),
  );
}

function createBubble(message, kind, context) {
  const text = message.text ?? message.caption;
  const classes = ['bubble'];
  if (isEdgeless(kind)) classes.push('edgeless');
  if (isBare(kind)) classes.push('bare');
  if (!text) classes.push('no-text');
  const isEmpty = kind === null && text === undefined;
  return h(
    'div',
    { class: classes.join(' ') },
    renderHead(message, context),
    renderMedia(message),
    h(
      'div',
      { class: 'body' },
      text ? renderMessageText(message, context) : null,
      isEmpty ? h('em', { class: 'unsupported' }, t('unsupported')) : null,
      renderReactions(message),
      renderMeta(message, context),
    ),
  );
}

function renderMessageText(message, context) {
  const isCaption = message.text === undefined;
  const text = isCaption ? message.caption : message.text;
  const entities = isCaption ? message.caption_entities : message.entities;
  const jumbo =
    !isCaption && !entities?.length && /^(\p{Extended_Pictographic}[\u{1F3FB}-\u{1F3FF}\uFE0F]?){1,3}$/u.test(text);
  return h(
    'span',
    { class: jumbo ? 'text jumbo' : 'text', testid: 'message-text', dir: 'auto' },
    renderText(text, entities, context.text),
  );
}

function renderHead(message, context) {
  const parts = [];
  if (context.isGroup && !context.isOwn(message))
    parts.push(
      h('div', { class: `sender hue-text-${hueOf(message.from?.id)}` }, nameOf(message.sender_chat ?? message.from)),
    );
  if (message.forward_origin)
    parts.push(h('div', { class: 'forward' }, t('forwarded'), h('b', {}, originName(message.forward_origin))));
  if (message.reply_to_message && !message.reply_to_message.forum_topic_created)
    parts.push(renderQuote(message.reply_to_message, message.quote, context));
  return parts.length ? h('div', { class: 'head' }, parts) : null;
}

function originName(origin) {
  return nameOf(origin.sender_user ?? origin.sender_chat ?? origin.chat) || origin.sender_user_name || '';
}

function renderQuote(message, quote, context) {
  const jump = () => context.onJump(message.message_id);
  return h(
    'button',
    { type: 'button', class: `quote hue-${hueOf(message.from?.id)}`, on: { click: jump } },
    h('b', { class: `hue-text-${hueOf(message.from?.id)}` }, context.isOwn(message) ? t('you') : nameOf(message.from)),
    h('span', {}, quote?.text ?? previewOf(message)),
  );
}

function renderReactions(message) {
  const reactions = message.reactions ?? [];
  if (reactions.length === 0) return null;
  return h(
    'span',
    { class: 'reactions' },
    reactions.map((reaction) => h('span', { class: 'reaction' }, reaction.emoji ?? reaction.type?.emoji ?? '★')),
  );
}

function renderMeta(message, context) {
  const isEdited = message.edited || message.edit_date;
  return h(
    'span',
    { class: 'meta', title: formatFull(message.date) },
    isEdited ? h('span', { class: 'edited' }, t('edited')) : null,
    h('time', { datetime: new Date(message.date * 1000).toISOString() }, formatClock(message.date)),
    context.isOwn(message) ? icon('check') : null,
  );
}
