/** The messages with the keyboard: one tab stop for all of them, arrows between them, Tab to a message's tools. */

/** @param {HTMLElement} log @param {{onReply: (id: number) => void}} actions */
export function followKeys(log, actions) {
  log.addEventListener('keydown', (event) => {
    const row = rowOf(event.target);
    if (row === null || event.target !== row) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) move(log, row, step);
    else if (event.key === 'Enter') actions.onReply(Number(row.dataset.messageId));
    else return;
    event.preventDefault();
  });
  log.addEventListener('focusin', (event) => setTools(rowOf(event.target), 0));
  log.addEventListener('focusout', (event) => setTools(rowOf(event.target), -1));
}

/** The newest message is the tab stop. @param {HTMLElement} log */
export function markTabStop(log) {
  const rows = listRows(log);
  rows.forEach((row, index) => (row.tabIndex = index === rows.length - 1 ? 0 : -1));
}

const listRows = (log) => [...log.querySelectorAll('article.row')];

const rowOf = (target) => (target instanceof Element ? target.closest('article.row') : null);

function move(log, row, step) {
  const rows = listRows(log);
  const next = rows[rows.indexOf(row) + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function setTools(row, tabIndex) {
  for (const tool of row?.querySelectorAll('.row-tool') ?? []) tool.tabIndex = tabIndex;
}
