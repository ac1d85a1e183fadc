/** The sandbox's user side over HTTP: one function per call. */

import { t } from './i18n.js';

const BASE = '/sandbox/api';
const CALL_TIMEOUT_MS = 20_000;
const UPLOAD_TIMEOUT_MS = 180_000;

/** The server refused, or could not be reached (status 0). */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

async function call(method, path, body) {
  const isForm = body instanceof FormData;
  const options = { method, signal: AbortSignal.timeout(isForm ? UPLOAD_TIMEOUT_MS : CALL_TIMEOUT_MS) };
  if (isForm) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { 'content-type': 'application/json' };
  }
  let response;
  try {
    response = await fetch(BASE + path, options);
  } catch {
    throw new ApiError(0, t('unreachable')); // the browser's own words are English, whatever the page's language
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, refusalText(answer, response));
  return answer;
}

function refusalText(answer, response) {
  const said = answer?.detail ?? answer?.description ?? answer?.error;
  return typeof said === 'string' ? said : `${response.status} ${response.statusText}`.trim();
}

const dialogPath = (dialog, rest = '') => `/dialogs/${encodeURIComponent(dialog)}${rest}`;

export const getState = () => call('GET', '/state');
export const addUser = (user) => call('POST', '/users', user);
export const getDialog = (dialog, limit = 200) => call('GET', dialogPath(dialog, `?limit=${limit}`));
export const sendMessage = (dialog, message) => call('POST', dialogPath(dialog, '/messages'), message);
export const editMessage = (dialog, edit) => call('POST', dialogPath(dialog, '/edits'), edit);
export const pressButton = (dialog, press) => call('POST', dialogPath(dialog, '/callbacks'), press);
export const shareContact = (dialog, contact) => call('POST', dialogPath(dialog, '/contacts'), contact);
export const stopDraft = (dialog, stop) => call('POST', dialogPath(dialog, '/stop'), stop);
export const setBlocked = (dialog, userId, blocked) =>
  call('POST', dialogPath(dialog, '/block'), { user_id: userId, blocked });

/** @returns {Promise<Array<{command: string, description: string}>>} */
export async function getCommands(bot, userId, chatId = null) {
  const answer = await call(
    'GET',
    `/commands?bot=${encodeURIComponent(bot)}&user_id=${userId}${chatId === null ? '' : `&chat_id=${chatId}`}`,
  );
  return Array.isArray(answer) ? answer : (answer?.commands ?? []);
}

/** @param {string} dialog @param {Record<string, any>} fields values of null or undefined are left out */
export function sendFile(dialog, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || value === '') continue;
    if (value instanceof File) form.append(name, value, value.name);
    else form.append(name, String(value));
  }
  return call('POST', dialogPath(dialog, '/files'), form);
}

/** Where the page loads a file of a message from. */
export const fileUrl = (fileId) => `${BASE}/files/${encodeURIComponent(fileId)}`;

/** @param {number|null} after sequence number of the last event seen */
export const eventsUrl = (after) => `${BASE}/events${after === null ? '' : `?after=${after}`}`;
