/** Times, sizes and names as the reader's language writes them. */

import { language, t } from './i18n.js';

const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayOfYear = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long' });
const shortDay = new Intl.DateTimeFormat(language, { day: '2-digit', month: '2-digit' });
const full = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'medium' });
const languageNames = new Intl.DisplayNames([language], { type: 'language' });

const asDate = (seconds) => new Date(seconds * 1000);

/** @param {number} seconds Unix time */
export const formatClock = (seconds) => clock.format(asDate(seconds));

/** @param {number} seconds Unix time */
export const formatFull = (seconds) => full.format(asDate(seconds));

/** A key that is equal for two messages of the same local day. */
export const dayKey = (seconds) => asDate(seconds).toDateString();

/** @param {number} seconds Unix time */
export function formatDay(seconds) {
  const day = dayKey(seconds);
  const now = Date.now() / 1000;
  if (day === dayKey(now)) return t('today');
  if (day === dayKey(now - 86_400)) return t('yesterday');
  return dayOfYear.format(asDate(seconds));
}

/** The clock for today, the date for anything older. */
export function formatMoment(seconds) {
  return dayKey(seconds) === dayKey(Date.now() / 1000) ? formatClock(seconds) : shortDay.format(asDate(seconds));
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** @param {number|undefined} bytes */
export function formatSize(bytes) {
  if (bytes === undefined || bytes === null) return '';
  const units = language === 'ru' ? ['Б', 'КБ', 'МБ', 'ГБ'] : ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[unit]}`;
}

/** @param {string|undefined} code IETF language tag */
export function formatLanguage(code) {
  if (!code) return '';
  try {
    return languageNames.of(code) ?? code;
  } catch {
    return code;
  }
}
