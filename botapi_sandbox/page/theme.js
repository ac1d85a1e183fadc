/** Light and dark: the system's preference, until the toggle is used. theme-boot.js has set the first value. */

import { rememberTheme, storedTheme } from './memory.js';

const system = matchMedia('(prefers-color-scheme: dark)');

/** @returns {'light'|'dark'} */
export function currentTheme() {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

/** @returns {'light'|'dark'} the theme now shown */
export function toggleTheme() {
  const next = currentTheme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  rememberTheme(next);
  return next;
}

/** Follows the system while nobody chose. @param {(theme: 'light'|'dark') => void} listener */
export function followSystemTheme(listener) {
  system.addEventListener('change', () => {
    if (storedTheme() !== null) return;
    document.documentElement.dataset.theme = system.matches ? 'dark' : 'light';
    listener(currentTheme());
  });
}
