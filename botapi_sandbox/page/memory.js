/** What this browser remembers between visits. Storage may be switched off, then nothing is remembered. */

const PREFIX = 'sandbox.';

/** @param {string} key @param {any} [fallback] */
export function recall(key, fallback = null) {
  try {
    const stored = localStorage.getItem(PREFIX + key);
    return stored === null ? fallback : JSON.parse(stored);
  } catch {
    return fallback;
  }
}

/** @param {string} key @param {any} value */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Full or forbidden storage costs only the comfort of remembering.
  }
}

/** The theme is stored bare, because theme-boot.js reads it before any module runs. @param {string} theme */
export function rememberTheme(theme) {
  try {
    localStorage.setItem(`${PREFIX}theme`, theme);
  } catch {
    // See above.
  }
}

/** @returns {string|null} */
export function storedTheme() {
  try {
    return localStorage.getItem(`${PREFIX}theme`);
  } catch {
    return null;
  }
}
