/** What the person can do in the open dialog, each ending in a call to the server. */

import * as api from './api.js';
import { markPending } from './keyboards.js';
import { t } from './i18n.js';
import { GENERAL } from './messages.js';
import { showAlert, showToast } from './toast.js';

const ANSWER_TIMEOUT_MS = 30_000;

export class Actions {
  /**
   * @param {any} store
   * @param {{composer: () => any, messages: () => any, topic: () => number|null, openDialog: (id: string) => void,
   *   refresh: () => void}} page
   */
  constructor(store, page) {
    this.store = store;
    this.page = page;
    /**
     * Presses that wait for the bot: what was pressed, by callback id.
     * @type {Map<string, {key: string, message: any, data: string, timer: any}>}
     */
    this.pending = new Map();
    this.pendingKeys = new Set();
    /** Answers that overtook the answer to the press itself. @type {Map<string, any>} */
    this.early = new Map();
    this.sendText = (text) => this.sendTextNow(text);
    this.text = {
      onCommand: (command) => this.sendTextNow(command),
      onLink: (url) => this.followLink(url),
      onMention: (name) => this.openBot(name),
      onCopy: (text) => this.copy(text),
    };
    this.bubble = {
      text: this.text,
      keyboard: {
        isPending: (message, data) => this.pendingKeys.has(this.keyOf(message, data)),
        onPress: (message, button) => this.press(message, button),
      },
      onEdit: (message) => this.page.composer().startEdit(message),
      onReply: (message) => this.store.current?.blocked || this.page.composer().toggleReply(message),
    };
  }

  /** The fields every message of ours carries. */
  envelope() {
    const topic = this.page.topic();
    return {
      user_id: this.store.user.id,
      reply_to_message_id: this.page.composer().takeReply(),
      message_thread_id: topic === null || topic === GENERAL ? undefined : topic,
    };
  }

  /** @returns {Promise<boolean>} whether it was sent */
  async sendTextNow(text) {
    const dialog = this.store.current;
    if (!dialog) return false;
    const envelope = this.envelope();
    return this.attempt(t('sendFailed'), async () => {
      this.store.addMessage(dialog, await api.sendMessage(dialog.id, { ...envelope, text }));
      this.page.refresh();
    });
  }

  /** Sends one's last question of the open chat once more. */
  askAgain() {
    const dialog = this.store.current;
    const own = dialog ? this.store.messagesOf(dialog).filter((one) => this.store.isOwn(one)) : [];
    const question = own.findLast((one) => one.text && !one.text.startsWith('/'));
    if (question) this.sendTextNow(question.text);
  }

  /** @returns {Promise<boolean>} whether the text of one's own message was changed */
  async edit(message, text) {
    const dialog = this.store.current;
    if (text === message.text) return true;
    return this.attempt(t('failed'), async () => {
      const fields = { user_id: this.store.user.id, message_id: message.message_id, text };
      this.store.addMessage(dialog, await api.editMessage(dialog.id, fields));
      this.page.refresh();
    });
  }

  /** Takes one's last text into the composer. @returns {boolean} whether there is one */
  editLast() {
    const own = this.store
      .messagesOf(this.store.current)
      .filter((one) => this.store.isOwn(one) && one.text !== undefined);
    if (own.length > 0) this.page.composer().startEdit(own[own.length - 1]);
    return own.length > 0;
  }

  async upload({ kind, file, caption, albumId, duration }) {
    const dialog = this.store.current;
    if (!dialog) return;
    await this.attempt(t('sendFailed'), async () => {
      const message = await api.sendFile(dialog.id, {
        ...this.envelope(),
        kind,
        file,
        caption,
        duration,
        media_group_id: albumId,
      });
      this.store.addMessage(dialog, message);
      this.page.refresh();
    });
  }

  async attempt(prefix, work) {
    try {
      await work();
      return true;
    } catch (error) {
      showToast(prefix + (error instanceof api.ApiError ? error.message : t('tryAgain')), 'error');
      return false;
    }
  }

  keyOf(message, data) {
    return `${this.store.currentId}/${message.message_id}/${data}`;
  }

  press(message, button) {
    if (button.callback_data !== undefined) return this.pressCallback(message, button.callback_data);
    if (button.copy_text) return this.copy(button.copy_text.text);
    const url = button.url ?? button.web_app?.url ?? button.login_url?.url;
    if (url && !this.followLink(url) && /^https?:/i.test(url)) window.open(url, '_blank', 'noopener');
    return undefined;
  }

  async pressCallback(message, data) {
    const dialog = this.store.current;
    const key = this.keyOf(message, data);
    if (this.pendingKeys.has(key)) return;
    this.setPending(key, message, data, true);
    const isSent = await this.attempt(t('failed'), async () => {
      const { id } = await api.pressButton(dialog.id, {
        user_id: this.store.user.id,
        message_id: message.message_id,
        data,
      });
      const timer = setTimeout(() => this.settle(String(id), { text: t('noAnswer') }), ANSWER_TIMEOUT_MS);
      this.pending.set(String(id), { key, message, data, timer });
      if (this.early.has(String(id))) this.settle(String(id), this.early.get(String(id)));
    });
    if (!isSent) this.setPending(key, message, data, false);
  }

  setPending(key, message, data, isPending) {
    if (isPending) this.pendingKeys.add(key);
    else this.pendingKeys.delete(key);
    const row = this.page.messages().rowOf(message.message_id);
    if (row && key === this.keyOf(message, data)) markPending(row, data, isPending);
  }

  /** @param {any} event of type callback_answer */
  takeCallbackAnswer(event) {
    const id = String(event.callback_query_id);
    if (this.pending.has(id)) this.settle(id, event);
    else this.early.set(id, event);
    if (this.early.size > 50) this.early.delete(this.early.keys().next().value);
  }

  settle(id, answer) {
    const waiting = this.pending.get(id);
    if (!waiting) return;
    this.pending.delete(id);
    this.early.delete(id);
    clearTimeout(waiting.timer);
    this.setPending(waiting.key, waiting.message, waiting.data, false);
    if (answer.text && answer.show_alert) showAlert(answer.text);
    else if (answer.text) showToast(answer.text);
    if (answer.url) this.followLink(answer.url);
  }

  /** A press on the bot's keyboard sends its text, or a contact where one is asked for. */
  pressReplyButton(button) {
    if (!button.request_contact) return this.sendTextNow(button.text);
    const { current, user } = this.store;
    const phone = `+7900${String(user.id).padStart(7, '0').slice(-7)}`;
    return this.attempt(t('sendFailed'), () => api.shareContact(current.id, { user_id: user.id, phone_number: phone }));
  }

  /** Chooses the message before or after the one that is answered; after the last one none. */
  stepReply(from, step) {
    const messages = this.store.messagesOf(this.store.current);
    const index = from ? messages.findIndex((message) => message.message_id === from.message_id) : messages.length;
    const next = messages[Math.max(0, index + step)] ?? null;
    this.page.composer().setReply(next);
    if (next) this.page.messages().jumpTo(next.message_id);
  }

  stop(draft) {
    const dialog = this.store.current;
    if (!dialog || !draft) return;
    this.page.composer().focus();
    this.attempt(t('failed'), () =>
      api.stopDraft(dialog.id, {
        user_id: this.store.user.id,
        draft_id: draft.draft_id,
        message_thread_id: draft.message_thread_id,
      }),
    );
  }

  async setBlocked(blocked) {
    const dialog = this.store.current;
    await this.attempt(t('failed'), async () => {
      await api.setBlocked(dialog.id, this.store.user.id, blocked);
      this.store.setBlocked(dialog, blocked);
      this.page.refresh();
    });
  }

  /**
   * Links to bots of this sandbox open here, with `?start=` as the command.
   * @returns {boolean} whether it was handled
   */
  followLink(url) {
    const link =
      /^(?:https?:\/\/)?t\.me\/([A-Za-z0-9_]+)(?:\?start=([A-Za-z0-9_-]+))?$/.exec(url) ??
      /^tg:\/\/resolve\?domain=([A-Za-z0-9_]+)(?:&start=([A-Za-z0-9_-]+))?$/.exec(url);
    if (!link || !this.openBot(link[1])) return false;
    if (link[2]) this.sendTextNow(`/start ${link[2]}`);
    return true;
  }

  /** @returns {boolean} whether such a bot is here */
  openBot(username) {
    const bot = this.store.bots.find((one) => one.username?.toLowerCase() === username.toLowerCase());
    if (bot) this.page.openDialog(`${bot.username}:${this.store.user.id}`);
    return Boolean(bot);
  }

  async copy(text) {
    await this.attempt(t('failed'), async () => {
      await navigator.clipboard.writeText(text);
      showToast(t('copied'));
    });
  }
}
