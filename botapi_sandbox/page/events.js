/** The stream of events, reconnecting by itself and going on after the last event seen. */

import { eventsUrl } from './api.js';

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 5_000;

export class EventStream {
  /** @param {{onEvent: (event: any) => void, onOpen: (again: boolean) => void, onLost: () => void}} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    /** @type {number|null} */
    this.lastSeq = null;
    this.retryMs = FIRST_RETRY_MS;
    this.openedBefore = false;
    this.source = null;
    addEventListener('online', () => this.reconnectNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.source === null) this.reconnectNow();
    });
  }

  connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(eventsUrl(this.lastSeq));
    this.source = source;
    source.onopen = () => this.handleOpen();
    source.onmessage = (message) => this.handleMessage(message);
    source.onerror = () => this.handleLost(source);
  }

  reconnectNow() {
    this.retryMs = FIRST_RETRY_MS;
    if (this.source === null) this.connect();
  }

  /** A server that started anew counts from one again: what we remember of the old count is then worthless. */
  forgetPosition() {
    this.lastSeq = null;
  }

  handleOpen() {
    this.retryMs = FIRST_RETRY_MS;
    this.listeners.onOpen(this.openedBefore);
    this.openedBefore = true;
  }

  handleMessage(message) {
    const event = JSON.parse(message.data);
    if (typeof event.seq === 'number') this.lastSeq = event.seq;
    this.listeners.onEvent(event);
  }

  handleLost(source) {
    source.close();
    if (this.source !== source) return;
    this.source = null;
    this.listeners.onLost();
    this.timer = setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }
}
