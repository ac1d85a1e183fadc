/** Puts the page together: state, views, the event stream. */

import { Actions } from './actions.js';
import * as api from './api.js';
import { Composer } from './composer.js';
import { DialogList } from './dialogs.js';
import { h, iconButton, replace } from './dom.js';
import { renderNoBots } from './empty.js';
import { EventStream } from './events.js';
import { ChatHeader, TopicTabs } from './header.js';
import { icon, logo } from './icons.js';
import { language, switchLanguage, t } from './i18n.js';
import { MessagesView } from './messages.js';
import { peerOf, nameOf } from './people.js';
import { readHash, writeHash } from './route.js';
import { Store } from './store.js';
import { currentTheme, followSystemTheme, toggleTheme } from './theme.js';
import { showToast } from './toast.js';
import { UserSwitch } from './users.js';

const LIST_LIMIT = 30;
const NO_BOTS_POLL_MS = 2000;
const DRAFT_END_MS = 100;
/** How long an empty chat waits for the card of the host's panel. */
const PANEL_WAIT_MS = 1500;
/** Where the list and the chat take turns, as in layout.css. */
const NARROW = '(max-width: 720px)';

class Page {
  constructor() {
    this.store = new Store();
    /** The chosen topic of each dialog. @type {Map<string, number|null>} */
    this.topics = new Map();
    this.isDrawing = false;
    this.actions = new Actions(this.store, {
      composer: () => this.composer,
      messages: () => this.messages,
      topic: () => this.topic(),
      openDialog: (id) => this.open(id, true),
      refresh: () => this.refresh(),
    });
    this.actions.loadEarlier = () => this.loadEarlier();
    this.list = new DialogList(this.store, (id) => this.open(id, true));
    this.users = new UserSwitch(this.store, {
      onChoose: (id) => this.chooseUser(id),
      onAdd: (fields) => this.addUser(fields),
    });
    this.header = new ChatHeader({
      onBack: () => (history.state?.isChosen ? history.back() : this.showList(true)),
      onBlock: (blocked) => this.actions.setBlocked(blocked),
    });
    this.tabs = new TopicTabs((topic) => this.chooseTopic(topic));
    this.messages = new MessagesView(this.store, this.actions);
    this.composer = new Composer({
      onText: this.actions.sendText,
      onUpload: (upload) => this.actions.upload(upload),
      onReplyButton: (button) => this.actions.pressReplyButton(button),
      onUnblock: () => this.actions.setBlocked(false),
      onEdit: (message, text) => this.actions.edit(message, text),
      onEditLast: () => this.actions.editLast(),
      onReplyStep: (from, step) => this.actions.stepReply(from, step),
    });
    this.stream = new EventStream({
      onEvent: (event) => this.handleEvent(event),
      onOpen: (again) => this.handleOpen(again),
      onLost: () => this.handleLost(),
    });
    this.build();
  }

  build() {
    this.app = document.getElementById('app');
    this.away = h('div', { class: 'away', role: 'status', testid: 'away', hidden: true }, icon('offline'), t('away'));
    this.themeButton = iconButton(icon('moon'), t('theme'), {
      testid: 'theme-toggle',
      on: { click: () => this.drawTheme(toggleTheme()) },
    });
    const languageButton = h(
      'button',
      {
        type: 'button',
        class: 'text-button',
        'aria-label': t('languageLabel'),
        testid: 'language-toggle',
        on: { click: switchLanguage },
      },
      t('language'),
    );
    this.brand = h('span', {});
    this.sidebar = h(
      'div',
      { class: 'sidebar', role: 'complementary', 'aria-label': t('dialogs') },
      h(
        'div',
        { class: 'brand' },
        logo(),
        h('h1', { class: 'brand-name' }, this.brand, h('small', {}, t('sandbox'))),
        languageButton,
        this.themeButton,
      ),
      this.users.element,
      this.list.element,
      h('p', { class: 'notice' }, icon('shield'), t('local')),
    );
    this.panelSlot = h('div', { class: 'panel-slot' });
    this.chat = h(
      'main',
      { class: 'chat', hidden: true },
      this.panelSlot,
      this.header.element,
      this.tabs.element,
      this.messages.element,
      this.composer.element,
      this.composer.attachments.curtain,
    );
    this.blank = h('main', { class: 'chat blank' });
    replace(this.app, this.away, this.sidebar, this.chat, this.blank);
    this.composer.attachments.listenTo(this.chat);
    this.drawTheme(currentTheme());
    followSystemTheme((theme) => this.drawTheme(theme));
    addEventListener('popstate', () => this.handleBack());
    document.addEventListener('visibilitychange', () => this.refresh());
    setInterval(() => this.expireTyping(), 1000);
  }

  drawTheme(theme) {
    this.themeButton.replaceChildren(icon(theme === 'dark' ? 'sun' : 'moon'));
  }

  async start() {
    this.stream.connect();
    await this.load();
  }

  /** Fetches everything anew; what is shown stays until the answer is there. */
  async load() {
    try {
      this.store.setState(await api.getState());
    } catch {
      return;
    }
    this.brand.textContent = this.store.title;
    clearTimeout(this.poll);
    // Beside the chats: a panel that is slow must not keep the page empty.
    this.loadPanel();
    if (this.store.bots.length === 0) {
      if (this.blank.childElementCount === 0) replace(this.blank, renderNoBots());
      this.showList(false);
      this.users.render();
      this.poll = setTimeout(() => this.load(), NO_BOTS_POLL_MS);
      return;
    }
    if (this.store.currentId === null) this.openFromHash();
    else await this.fetchDialog(this.store.current);
    await this.fetchOthers();
    this.refresh();
  }

  /** Shows what the host of the sandbox has for its page, once; without it the page is whole all the same. */
  async loadPanel() {
    const address = this.store.panel;
    if (!address.startsWith('/') || this.panelAddress === address) return;
    this.panelAddress = address;
    this.store.isPanelAwaited = true;
    setTimeout(() => this.stopAwaitingPanel(), PANEL_WAIT_MS);
    try {
      const { mount } = await import(address);
      const host = {
        slot: this.panelSlot,
        language,
        h,
        onChange: () => this.refresh(),
        onConnected: () => this.actions.askAgain(),
      };
      this.store.cards = await mount(host);
    } catch {
      this.panelAddress = '';
    }
    this.stopAwaitingPanel();
  }

  stopAwaitingPanel() {
    this.store.isPanelAwaited = false;
    this.refresh();
  }

  /** The browser's Back, or a new address typed by hand; on a narrow screen Back leads from a chat to the list. */
  handleBack() {
    const wasChat = document.body.dataset.view === 'chat';
    this.openFromHash();
    if (history.state === null && wasChat && matchMedia(NARROW).matches) this.showList(true);
  }

  openFromHash() {
    const place = readHash();
    const user = place && this.store.users.find((one) => one.id === place.userId);
    if (user) this.store.chooseUser(user);
    const own = this.store.dialogsOf(this.store.user);
    const dialog = own.find((one) => one.id === place?.dialogId) ?? own[0];
    if (dialog) this.open(dialog.id, false);
  }

  open(id, isChosen) {
    const dialog = this.store.dialog(id);
    const isOther = this.store.currentId !== id || this.shownUser !== this.store.user.id;
    this.store.currentId = id;
    this.shownUser = this.store.user.id;
    this.blank.hidden = true;
    this.chat.hidden = false;
    this.showList(false);
    writeHash(dialog, this.store.user, isChosen && isOther);
    this.draw();
    this.composer.focus();
    if (!isOther) return;
    this.composer.setCommands([]);
    this.fetchDialog(dialog);
    this.fetchCommands();
  }

  showList(isList) {
    document.body.dataset.view = isList ? 'list' : 'chat';
    // On a narrow screen the list is all there is: assistive technology looks for the main part of a page.
    this.sidebar.setAttribute('role', isList && matchMedia(NARROW).matches ? 'main' : 'complementary');
  }

  chooseUser(id) {
    const { current } = this.store;
    this.store.chooseUser(this.store.users.find((user) => user.id === id) ?? this.store.user);
    const own = this.store.dialogsOf(this.store.user);
    const same =
      own.find((dialog) => (current?.isGroup ? dialog.id === current.id : dialog.bot && dialog.bot === current?.bot)) ??
      own[0];
    const view = document.body.dataset.view;
    if (same) this.open(same.id, true);
    this.showList(view === 'list');
    this.fetchOthers().then(() => this.refresh());
  }

  async addUser(fields) {
    await this.actions.attempt(t('failed'), async () => {
      const user = await api.addUser(fields);
      this.store.setState(await api.getState());
      this.chooseUser(user.id);
    });
  }

  topic() {
    return this.topics.get(this.store.currentId ?? '') ?? null;
  }

  chooseTopic(topic) {
    this.topics.set(this.store.currentId ?? '', topic);
    this.refresh();
  }

  async fetchDialog(dialog, limit = dialog.limit) {
    dialog.arrived.clear();
    try {
      this.store.fill(dialog, await api.getDialog(dialog.id, limit), limit);
    } catch (error) {
      dialog.loaded = true;
      if (error instanceof api.ApiError && error.status !== 0 && error.status !== 404)
        showToast(t('failed') + error.message, 'error');
    }
    this.refresh();
  }

  /** The list needs the last messages of the dialogs that are not open. */
  async fetchOthers() {
    const others = this.store.dialogsOf(this.store.user).filter((dialog) => dialog.id !== this.store.currentId);
    await Promise.all(others.map((dialog) => this.fetchDialog(dialog, LIST_LIMIT)));
  }

  async fetchCommands() {
    const { current, user } = this.store;
    if (current === null) return;
    const bots = current.isGroup ? (current.group?.bots ?? []) : [current.bot?.username].filter(Boolean);
    const lists = await Promise.all(
      bots.map((bot) => api.getCommands(bot, user.id, current.group?.id ?? null).catch(() => [])),
    );
    if (this.store.current !== current) return;
    const named = lists.flatMap((list, index) =>
      list.map((one) => (current.isGroup ? { ...one, command: `${one.command}@${bots[index]}` } : one)),
    );
    this.composer.setCommands(named);
  }

  loadEarlier() {
    const { current } = this.store;
    current.limit += 200;
    this.fetchDialog(current);
  }

  handleOpen(again) {
    clearTimeout(this.lostTimer);
    this.lostTimer = null;
    this.away.hidden = true;
    if (again) this.load();
  }

  handleLost() {
    this.lostTimer ??= setTimeout(() => (this.away.hidden = false), 1200);
  }

  handleEvent(event) {
    if (event.type === 'callback_answer') this.actions.takeCallbackAnswer(event);
    else if (event.type === 'commands') this.fetchCommands();
    else if (event.type === 'user' || event.type === 'reset') this.load();
    else if (typeof event.dialog === 'string' && this.isFollowed(event.dialog))
      this.handleDialogEvent(this.store.dialog(event.dialog), event);
    this.refresh();
  }

  /** Private chats of people who are not chosen are fetched when they are: a load test must not fill this page. */
  isFollowed(dialogId) {
    return dialogId.startsWith('group:') || dialogId.endsWith(`:${this.store.user?.id}`);
  }

  handleDialogEvent(dialog, event) {
    if (dialog.bot === null && dialog.group === null) this.load();
    if (event.type === 'message') {
      this.store.addMessage(dialog, event.message);
      if (event.message.from?.is_bot) dialog.draft = null;
    } else if (event.type === 'edit') this.store.addMessage(dialog, { edited: true, ...event.message });
    else if (event.type === 'delete') for (const id of event.message_ids) dialog.messages.delete(id);
    else if (event.type === 'draft') this.takeDraft(dialog, event.draft ?? null);
    else if (event.type === 'reaction') this.takeReactions(dialog, event);
    else if (event.type === 'typing')
      dialog.typing = { action: event.action ?? 'typing', until: Date.now() + 1000 * (event.expires_in ?? 5) };
  }

  takeReactions(dialog, { message_id: id, reactions }) {
    const message = dialog.messages.get(id);
    if (message) dialog.messages.set(id, { ...message, reactions });
  }

  /** A draft that ends is shown a moment longer: the message that takes its place follows at once. */
  takeDraft(dialog, draft) {
    const ending = dialog.draft;
    if (draft !== null || ending === null) {
      dialog.draft = draft;
      return;
    }
    setTimeout(() => {
      if (dialog.draft !== ending) return;
      dialog.draft = null;
      this.refresh();
    }, DRAFT_END_MS);
  }

  expireTyping() {
    let isChanged = false;
    for (const dialog of this.store.dialogs.values()) {
      if (dialog.typing === null || dialog.typing.until > Date.now()) continue;
      dialog.typing = null;
      isChanged = true;
    }
    if (isChanged) this.refresh();
  }

  /** Draws once per frame however many events arrived in it. */
  refresh() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    const draw = () => {
      this.isDrawing = false;
      this.draw();
    };
    if (document.hidden) setTimeout(draw, 200);
    else requestAnimationFrame(draw);
  }

  draw() {
    const { current } = this.store;
    this.users.render();
    if (current === null) return;
    if (!document.hidden && this.messages.isPinned) this.store.markRead(current);
    this.header.render(current);
    this.tabs.render(current, this.topic());
    // First the composer: the height of the bot's keyboard decides where the end of the messages is.
    this.composer.render(current);
    this.messages.render(current, this.topic());
    this.list.render();
    this.drawTitle(current);
  }

  drawTitle(current) {
    const unread = this.store
      .dialogsOf(this.store.user)
      .reduce((sum, dialog) => sum + this.store.unreadCount(dialog), 0);
    document.title = `${unread ? `(${unread}) ` : ''}${nameOf(peerOf(current))} · ${this.store.title}`;
  }
}

new Page().start();
