/** The host's panel on the sandbox page: what each bot is for, and a strip that connects a model without a restart. */

const BASE = '/sandbox-panel';
const LOOK_MS = 10_000;

/**
 * Shows the strip in a slot of the page.
 * @param {{slot: HTMLElement, language: string, h: Function, onChange: () => void, onConnected: () => void}} host
 * @returns {Promise<{card: (username: string) => {about: any, examples: any[]}|null}>}
 */
export async function mount(host) {
  const panel = new Panel(host);
  loadStyle();
  await panel.look();
  return { card: (username) => panel.state?.bots?.[username] ?? null };
}

function loadStyle() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = `${BASE}/panel.css`;
  document.head.append(link);
}

class Panel {
  constructor(host) {
    this.host = host;
    this.state = null;
    this.isOpen = false;
    this.isBusy = false;
    this.t = {}; // the texts in the language of the page, which come with the state
    setInterval(() => this.state?.demo && !this.isBusy && !this.isOpen && !document.hidden && this.look(), LOOK_MS);
  }

  /** Asks for the state; a server that is away is asked again later. */
  async look() {
    const wasDemo = this.state?.demo;
    const answer = await this.call('GET', 'state');
    if (!answer) return;
    this.state = answer;
    this.t = answer.texts[this.host.language] ?? answer.texts.en;
    if (wasDemo && !answer.demo) this.showConnected();
    else if (wasDemo !== answer.demo) this.draw();
    this.host.onChange();
  }

  async call(method, path, body) {
    const options = { method };
    if (body) {
      options.headers = { 'content-type': 'application/json' };
      options.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(`${BASE}/${path}`, options);
      return await response.json();
    } catch {
      return null;
    }
  }

  draw() {
    const { h, slot } = this.host;
    slot.replaceChildren();
    if (!this.state?.demo) return;
    this.toggle = h(
      'button',
      {
        type: 'button',
        class: this.isOpen ? 'panel-button plain' : 'panel-button',
        testid: 'panel-toggle',
        'aria-expanded': String(this.isOpen),
        on: { click: () => this.setOpen(!this.isOpen) },
      },
      this.isOpen ? this.t.close : this.t.open,
    );
    const strip = h(
      'section',
      { class: 'panel-strip', testid: 'panel', 'aria-label': this.t.region },
      h('div', { class: 'panel-line' }, h('span', {}, this.t.demo), this.toggle),
      this.isOpen ? this.renderForm() : null,
    );
    slot.append(strip);
  }

  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.draw();
    if (isOpen) this.key.focus();
    else this.toggle.focus();
  }

  renderForm() {
    const { h } = this.host;
    this.service = h(
      'select',
      { class: 'panel-field', testid: 'panel-service', 'aria-label': this.t.service, on: { change: () => this.drawHints() } },
      this.state.endpoints.map((row) => h('option', { value: row.name }, row.title)),
    );
    this.key = h('input', {
      type: 'password',
      class: 'panel-field',
      testid: 'panel-key',
      'aria-label': this.t.key,
      placeholder: this.t.key,
      autocomplete: 'off',
      spellcheck: 'false',
      required: true,
      maxlength: '4000',
    });
    this.submit = h('button', { type: 'submit', class: 'panel-button', testid: 'panel-connect' }, this.t.connect);
    this.hint = h('p', { class: 'panel-hint' });
    this.status = h('p', { class: 'panel-status', role: 'status', testid: 'panel-status' });
    this.drawHints();
    const connect = (event) => {
      event.preventDefault();
      this.change('connect', { endpoint: this.service.value, key: this.key.value }, this.t.checking);
    };
    return h(
      'div',
      { class: 'panel-body' },
      h('form', { class: 'panel-form', on: { submit: connect } }, this.service, this.key, this.submit),
      this.hint,
      this.renderLocal(),
      this.status,
    );
  }

  drawHints() {
    const { h } = this.host;
    const row = this.state.endpoints.find((one) => one.name === this.service.value);
    const [page] = row.page.split(' ');
    const link = h('a', { href: page, target: '_blank', rel: 'noopener noreferrer' }, this.t.page);
    this.hint.replaceChildren(link, ` · ${this.t.kept.replace('{variable}', row.variable)}`);
  }

  renderLocal() {
    const { h } = this.host;
    if (!this.state.local.installed)
      return h(
        'div',
        { class: 'panel-local' },
        h('p', {}, this.t.or_local, ' ', this.t.install),
        h('code', { tabindex: '0' }, this.state.local.command),
      );
    this.starter = h(
      'button',
      {
        type: 'button',
        class: 'panel-button plain',
        testid: 'panel-local',
        on: { click: () => this.change('local', {}, this.t.starting) },
      },
      this.t.start,
    );
    return h('div', { class: 'panel-local' }, h('p', {}, this.t.or_local), this.starter);
  }

  async change(path, fields, words) {
    if (this.isBusy) return;
    this.setBusy(true);
    this.status.textContent = words;
    this.status.classList.remove('problem');
    const answer = await this.call('POST', path, { ...fields, token: this.state.token });
    this.setBusy(false);
    if (answer) Object.assign(this.state, answer);
    const problem = answer ? (answer.problem?.[this.host.language] ?? answer.problem?.en) : this.t.lost;
    if (!problem && !this.state.demo) {
      this.showConnected();
      this.host.onConnected();
      return;
    }
    delete this.state.problem;
    this.status.textContent = problem ?? this.t.lost;
    this.status.classList.add('problem');
    this.key.select();
  }

  setBusy(isBusy) {
    this.isBusy = isBusy;
    this.submit.disabled = isBusy;
    if (this.starter) this.starter.disabled = isBusy;
  }

  showConnected() {
    const { h, slot } = this.host;
    this.isOpen = false;
    const note = h(
      'div',
      { class: 'panel-strip done', role: 'status', testid: 'panel-connected' },
      this.t.connected.replace('{model}', this.state.model),
    );
    slot.replaceChildren(note);
    setTimeout(() => note.remove(), 8000);
  }
}
