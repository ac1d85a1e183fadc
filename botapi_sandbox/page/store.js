/** What the page knows: bots, users, groups and, for each dialog, its messages, draft, typing and keyboard. */

import { language } from './i18n.js';
import { recall, remember } from './memory.js';
import { namePeers } from './people.js';

/**
 * @typedef {{id: string, arrived: Set<number>, isGroup: boolean, bot: any, group: any, userId: number|null,
 *   messages: Map<number, any>, draft: any, typing: {action: string, until: number}|null,
 *   replyKeyboard: any, topics: any[], loaded: boolean, limit: number, mayHaveMore: boolean, blocked: boolean, forceReplyTo: any}} Dialog
 */

export class Store {
  constructor() {
    this.bots = [];
    this.users = [];
    this.groups = [];
    /** @type {any} */
    this.user = null;
    /** @type {Map<string, Dialog>} */
    this.dialogs = new Map();
    /** @type {string|null} */
    this.currentId = null;
    this.readMarks = recall('read', {});
    this.title = '';
    this.panel = '';
    /** An empty chat shows nothing for a moment rather than a card that is replaced. */
    this.isPanelAwaited = false;
  }

  /** @param {any} state answer of the state call */
  setState(state) {
    this.bots = state.bots ?? [];
    this.users = state.users ?? [];
    this.title = state.title ?? '';
    this.panel = state.panel ?? '';
    this.groups = state.groups ?? [];
    this.user = this.users.find((user) => user.id === this.user?.id) ?? this.firstUser();
    this.nameBots();
    for (const dialog of this.dialogs.values()) this.attachPeers(dialog);
  }

  /** A newcomer writes as somebody who speaks the language of the page. */
  firstUser() {
    return this.users.find((user) => user.language_code === language) ?? this.users[0] ?? null;
  }

  chooseUser(user) {
    this.user = user;
    this.nameBots();
  }

  /** Bots and groups have names by language; Telegram shows each person theirs. */
  nameBots() {
    const code = this.user?.language_code === 'ru' ? 'ru' : 'en';
    for (const bot of this.bots) {
      bot.givenName ??= bot.name;
      bot.name = bot.names?.[code] ?? bot.givenName;
    }
    for (const group of this.groups) group.name = group.names?.[code] ?? group.title;
    namePeers([...this.bots, ...this.groups]);
  }

  /** @param {string} id @returns {Dialog} */
  dialog(id) {
    const known = this.dialogs.get(id);
    if (known) return known;
    const isGroup = id.startsWith('group:');
    const dialog = {
      id,
      arrived: new Set(),
      isGroup,
      bot: null,
      group: null,
      userId: isGroup ? null : Number(id.split(':')[1]),
      messages: new Map(),
      draft: null,
      typing: null,
      replyKeyboard: null,
      topics: [],
      loaded: false,
      limit: 200,
      mayHaveMore: false,
      blocked: recall(`blocked.${id}`, false),
      forceReplyTo: null,
    };
    this.attachPeers(dialog);
    this.dialogs.set(id, dialog);
    return dialog;
  }

  attachPeers(dialog) {
    if (dialog.isGroup) {
      dialog.group = this.groups.find((group) => `group:${group.id}` === dialog.id) ?? dialog.group;
      if (dialog.topics.length === 0) dialog.topics = dialog.group?.topics ?? [];
    } else {
      const username = dialog.id.split(':')[0];
      dialog.bot = this.bots.find((bot) => bot.username === username) ?? dialog.bot;
    }
  }

  /** @returns {Dialog|null} */
  get current() {
    return this.currentId === null ? null : this.dialog(this.currentId);
  }

  /** The dialogs of the chosen user: one per bot, and the groups that user is a member of. @returns {Dialog[]} */
  dialogsOf(user) {
    if (!user) return [];
    const own = this.groups.filter((group) => !group.members?.length || group.members.includes(user.id));
    return [
      ...this.bots.map((bot) => this.dialog(`${bot.username}:${user.id}`)),
      ...own.map((group) => this.dialog(`group:${group.id}`)),
    ];
  }

  /**
   * What arrived while the answer was on its way is newer than the answer and stays.
   * @param {Dialog} dialog
   * @param {any} answer of the dialog call
   * @param {number} limit that was asked for
   */
  fill(dialog, answer, limit) {
    const newer = [...dialog.arrived].map((id) => [id, dialog.messages.get(id)]).filter(([, message]) => message);
    dialog.messages = new Map([...answer.messages.map((message) => [message.message_id, message]), ...newer]);
    dialog.arrived.clear();
    dialog.mayHaveMore = answer.messages.length >= limit;
    dialog.draft = answer.draft ?? null;
    dialog.replyKeyboard = answer.reply_keyboard ?? null;
    if (!answer.typing) dialog.typing = null;
    else if (dialog.typing === null) dialog.typing = { action: 'typing', until: Date.now() + 5000 };
    if (answer.topics?.length) dialog.topics = answer.topics;
    if (typeof answer.blocked === 'boolean') dialog.blocked = answer.blocked;
    dialog.loaded = true;
  }

  /** @param {Dialog} dialog */
  addMessage(dialog, message) {
    const isNew = !dialog.messages.has(message.message_id);
    dialog.messages.set(message.message_id, message);
    dialog.arrived.add(message.message_id);
    if (message.from?.is_bot) {
      dialog.typing = null;
      if (isNew) this.takeKeyboard(dialog, message);
    }
    const topic = message.forum_topic_created;
    if (topic && !dialog.topics.some((one) => one.id === message.message_thread_id)) {
      dialog.topics = [...dialog.topics, { id: message.message_thread_id, name: topic.name }];
    }
    return isNew;
  }

  takeKeyboard(dialog, message) {
    const markup = message.reply_markup;
    if (!markup) return;
    if (markup.keyboard) dialog.replyKeyboard = markup;
    else if (markup.remove_keyboard) dialog.replyKeyboard = null;
    else if (markup.force_reply) dialog.forceReplyTo = message;
  }

  /** @param {Dialog} dialog */
  setBlocked(dialog, blocked) {
    dialog.blocked = blocked;
    remember(`blocked.${dialog.id}`, blocked);
  }

  /** @param {Dialog} dialog @returns {any[]} oldest first */
  messagesOf(dialog) {
    return [...dialog.messages.values()].sort((a, b) => a.message_id - b.message_id);
  }

  /** @param {Dialog} dialog */
  lastMessage(dialog) {
    let last = null;
    for (const message of dialog.messages.values())
      if (last === null || message.message_id > last.message_id) last = message;
    return last;
  }

  readKey(dialog) {
    return dialog.isGroup ? `${dialog.id}@${this.user?.id}` : dialog.id;
  }

  /** @param {Dialog} dialog */
  unreadCount(dialog) {
    const mark = this.readMarks[this.readKey(dialog)] ?? 0;
    let count = 0;
    for (const message of dialog.messages.values()) if (message.message_id > mark && !this.isOwn(message)) count += 1;
    return count;
  }

  /** @param {Dialog} dialog */
  markRead(dialog) {
    const last = this.lastMessage(dialog);
    const key = this.readKey(dialog);
    if (last === null || this.readMarks[key] === last.message_id) return;
    this.readMarks[key] = last.message_id;
    remember('read', this.readMarks);
  }

  isOwn(message) {
    return message.from?.id === this.user?.id;
  }
}
