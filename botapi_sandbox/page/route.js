/** The address keeps the open dialog and the chosen user: `#bot:1001`, `#group:-100123@1001`. */

/** @param {any} dialog @param {any} user */
export const hashOf = (dialog, user) => `#${dialog.id}${dialog.isGroup ? `@${user.id}` : ''}`;

/** @returns {{dialogId: string, userId: number|null}|null} */
export function readHash() {
  const hash = location.hash.slice(1).replaceAll('%40', '@').replaceAll('%3A', ':');
  const group = /^(group:-?\d+)(?:@(\d+))?$/.exec(hash);
  if (group) return { dialogId: group[1], userId: group[2] ? Number(group[2]) : null };
  const dialog = /^([A-Za-z0-9_]+):(\d+)$/.exec(hash);
  return dialog ? { dialogId: hash, userId: Number(dialog[2]) } : null;
}

/** @param {any} dialog @param {any} user @param {boolean} isNewEntry whether the Back button shall return here */
export function writeHash(dialog, user, isNewEntry) {
  const hash = hashOf(dialog, user);
  if (location.hash === hash) return;
  if (isNewEntry) history.pushState({ isChosen: true }, '', hash);
  else history.replaceState(null, '', hash);
}
