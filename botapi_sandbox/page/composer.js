/** Where one writes: text, reply bar, commands, attachments, voice, the bot's keyboard. */

import { Attachments } from './attachments.js';
import { CommandsMenu } from './commands.js';
import { h, iconButton } from './dom.js';
import { icon } from './icons.js';
import { t } from './i18n.js';
import { ReplyKeyboard } from './keyboards.js';
import { Recorder } from './recorder.js';
import { SubjectBar } from './subject.js';
import { showToast } from './toast.js';

const HIGHEST_PX = 180;
const unsentKey = (id) => `sandbox.unsent.${id}`;

export class Composer {
  /**
   * @param {{onText: (text: string) => Promise<boolean>, onUpload: (upload: any) => Promise<void>,
   *   onReplyButton: (button: any) => void, onUnblock: () => void,
   *   onReplyStep: (from: any, step: number) => void, onEditLast: () => boolean,
   *   onEdit: (message: any, text: string) => Promise<boolean>}} actions
   */
  constructor(actions) {
    this.actions = actions;
    this.dialog = null;
    this.subject = new SubjectBar(() => this.setReply(null));
    this.recorder = new Recorder({
      onVoice: (file, seconds) =>
        actions.onUpload({ kind: 'voice', file, caption: '', albumId: null, duration: seconds }),
      onNoMicrophone: () => this.chooseSound(),
      onState: (isRecording) => this.row.classList.toggle('is-recording', isRecording),
    });
    this.attachments = new Attachments({
      onSend: actions.onUpload,
      canSend: () => this.dialog !== null && !this.dialog.blocked,
    });
    this.commands = new CommandsMenu({
      onSend: (command) => this.sendCommand(command),
      onComplete: (command) => this.setText(command),
    });
    this.keyboard = new ReplyKeyboard(actions.onReplyButton);
    this.build();
  }

  build() {
    this.input = h('textarea', {
      class: 'composer-input',
      testid: 'composer',
      rows: '1',
      placeholder: t('write'),
      'aria-label': t('write'),
      autocomplete: 'off',
      enterkeyhint: 'send',
      dir: 'auto',
    });
    this.sendButton = iconButton(icon('send'), t('send'), {
      class: 'send primary',
      testid: 'send',
      on: { click: () => this.submit() },
    });
    this.commandsButton = iconButton(icon('slash'), t('commands'), {
      class: 'slash',
      testid: 'commands-button',
      'aria-haspopup': 'listbox',
      'aria-expanded': 'false',
      'aria-controls': 'commands',
      on: { click: () => this.commands.toggle(this.commandsButton) },
    });
    this.keyboardButton = iconButton(icon('keyboard'), t('keyboard'), {
      class: 'keyboard-toggle',
      on: { click: () => this.keyboard.toggle() },
    });
    this.row = h(
      'div',
      { class: 'composer-row' },
      this.attachments.element,
      this.commandsButton,
      this.input,
      this.keyboardButton,
      this.sendButton,
      this.recorder.button,
      this.recorder.bar,
    );
    this.blockedBar = h(
      'button',
      { type: 'button', class: 'blocked-bar', hidden: true, on: { click: () => this.actions.onUnblock() } },
      h('span', {}, t('blocked')),
      h('b', {}, t('unblock')),
    );
    this.element = h(
      'footer',
      { class: 'composer' },
      this.commands.element,
      this.subject.element,
      this.row,
      this.blockedBar,
      this.keyboard.element,
    );
    this.input.addEventListener('input', () => this.handleInput());
    this.input.addEventListener('keydown', (event) => this.handleKey(event));
    this.drawButtons();
  }

  /** @param {any} dialog */
  render(dialog) {
    if (dialog !== this.dialog) this.openDialog(dialog);
    this.row.hidden = dialog.blocked;
    this.blockedBar.hidden = !dialog.blocked;
    this.keyboard.show(dialog.blocked ? null : dialog.replyKeyboard);
    this.keyboardButton.hidden = !dialog.replyKeyboard;
    if (dialog.forceReplyTo) {
      this.setReply(dialog.forceReplyTo);
      dialog.forceReplyTo = null;
      this.focus();
    }
    this.input.placeholder = this.choosePlaceholder(dialog);
  }

  choosePlaceholder(dialog) {
    const forced = this.subject.message?.reply_markup;
    if (forced?.force_reply) return forced.input_field_placeholder || t('forcedReply');
    return dialog.replyKeyboard?.input_field_placeholder || t('write');
  }

  openDialog(dialog) {
    this.dialog = dialog;
    this.recorder.finish(false);
    this.setReply(null);
    this.setText(sessionStorage.getItem(unsentKey(dialog.id)) ?? '');
  }

  setCommands(commands) {
    this.commands.setCommands(commands);
    if (document.activeElement === this.input) this.commands.follow(this.input.value);
    this.commandsButton.hidden = commands.length === 0;
  }

  focus() {
    if (matchMedia('(hover: hover)').matches) this.input.focus({ preventScroll: true });
  }

  setText(text) {
    this.input.value = text;
    this.handleInput();
  }

  /** @param {any} message to answer, or null */
  setReply(message) {
    this.showSubject(message, false);
  }

  /** @param {any} message of one's own, whose text comes into the composer */
  startEdit(message) {
    this.showSubject(message, true);
    this.setText(message.text);
    this.focus();
  }

  showSubject(message, isEdit) {
    const endsEdit = this.subject.isEdit;
    this.subject.show(message, isEdit);
    if (endsEdit) this.setText('');
    if (this.dialog) this.input.placeholder = this.choosePlaceholder(this.dialog);
  }

  /** Choosing the same message again takes the choice back. @param {any} message */
  toggleReply(message) {
    const isAgain = !this.subject.isEdit && this.subject.message?.message_id === message.message_id;
    this.setReply(isAgain ? null : message);
    if (!isAgain) this.focus();
  }

  /** @returns {number|undefined} the message that is answered; asking takes the reply bar away */
  takeReply() {
    if (this.subject.isEdit) return undefined;
    const id = this.subject.message?.message_id;
    this.setReply(null);
    return id;
  }

  handleInput() {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, HIGHEST_PX)}px`;
    this.input.classList.toggle('scrolls', this.input.scrollHeight > HIGHEST_PX);
    this.commands.follow(this.input.value);
    if (this.dialog) sessionStorage.setItem(unsentKey(this.dialog.id), this.input.value);
    this.drawButtons();
  }

  drawButtons() {
    const hasText = this.input.value.trim() !== '';
    this.sendButton.hidden = !hasText;
    this.recorder.button.hidden = hasText;
  }

  handleKey(event) {
    if (event.isComposing) return;
    if (this.commands.handleKey(event)) return event.preventDefault();
    if (event.key === 'Escape') return this.setReply(null);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return this.actions.onReplyStep(this.subject.message, step);
    }
    if (step === -1 && this.input.value === '' && this.actions.onEditLast()) return event.preventDefault();
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    this.submit();
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const { dialog } = this;
    const { message, isEdit } = this.subject;
    if (isEdit) this.setReply(null);
    else this.setText('');
    this.focus();
    const isSent = await (isEdit ? this.actions.onEdit(message, text) : this.actions.onText(text));
    if (isSent || this.dialog !== dialog) return;
    this.showSubject(message, isEdit);
    if (this.input.value === '') this.setText(text);
  }

  sendCommand(command) {
    this.setText('');
    this.actions.onText(command);
    this.focus();
  }

  chooseSound() {
    showToast(t('noMicrophone'));
    this.attachments.choose('voice');
  }
}
