/** The interface in Russian and English. What bots and users write is never translated. */

import { recall, remember } from './memory.js';

const TEXTS = {
  en: {
    sandbox: 'Sandbox', dialogs: 'Chats', write: 'Message', send: 'Send', attach: 'Attach a file', record: 'Record a voice message',
    commands: 'Commands', keyboard: "Bot's keyboard", reply: 'Reply', cancel: 'Cancel', cancelReply: 'Cancel the reply', stop: 'Stop',
    thinking: 'Thinking…', edited: 'edited', today: 'Today', yesterday: 'Yesterday', toBottom: 'To the latest message',
    local: 'Messages never leave this machine', localLong: 'This is a sandbox. Everything you write stays on this machine.',
    theme: 'Light or dark', language: 'Русский', languageLabel: 'Сменить язык на русский', back: 'Back to chats', menu: 'More',
    block: 'Stop and block the bot', unblock: 'Unblock the bot', blocked: 'You blocked this bot', bot: 'bot', online: 'bot',
    members: (n) => `${n} ${n === 1 ? 'person' : 'people'} and bots`, you: 'You', writingAs: 'Writing as', addUser: 'Add a person',
    name: 'Name', add: 'Add', emptyTitle: (bot) => `Say hello to ${bot}`, pickTitle: 'Pick a bot and say hello', emptyGroup: 'No messages here yet',
    hello: 'Hello!', helloMore: 'What can you do?', noBotsTitle: 'Waiting for a bot', noBots: 'Start a bot with this address as its Bot API server:',
    away: 'The server does not answer. Reconnecting…', sendFailed: 'Not sent: ', failed: 'That did not work: ', copied: 'Copied', copy: 'Copy',
    copyLink: 'Copy the text', photo: 'Photo', document: 'File', audio: 'Audio', voice: 'Voice message', video: 'Video', video_note: 'Video message',
    animation: 'GIF', sticker: 'Sticker', contact: 'Contact', location: 'Location', poll: 'Poll', dice: 'Dice', unsupported: 'A kind of message this page cannot show',
    attachPhoto: 'Photo or video', attachFile: 'File', attachAudio: 'Audio', attachNote: 'Video message', caption: 'Caption', asFile: 'Send as files', files: (n) => `${n} files`,
    sendFile: 'Send', dropHere: 'Drop files to send them', tooBig: 'This file is too big for the sandbox (100 MB at most)',
    recording: 'Recording', noMicrophone: 'No microphone here: choose a sound file instead', cancelRecording: 'Throw the recording away', sendRecording: 'Send the recording',
    play: 'Play', pause: 'Pause', seek: 'Position', download: 'Download', open: 'Open', close: 'Close', ok: 'OK', reveal: 'Hidden text, press to show',
    allTopics: 'All', general: 'General', topics: 'Topics', forwarded: 'Forwarded from ', earlier: 'Earlier messages', deletedMessage: 'Message',
    shareContact: 'Your contact', noAnswer: 'The bot has not answered the button', showMore: 'Show all', showLess: 'Show less', unread: (n) => `${n} unread`,
    joined: (who) => `${who} joined`, left: (who) => `${who} left`, pinned: 'pinned a message', topicCreated: (name) => `Topic “${name}” was created`, noMessages: 'No messages yet',
    forcedReply: 'The bot waits for your reply', newChats: 'Messages',
    action: { typing: 'typing', record_voice: 'recording a voice message', upload_voice: 'sending a voice message', upload_photo: 'sending a photo', upload_document: 'sending a file',
      upload_video: 'sending a video', record_video: 'recording a video', record_video_note: 'recording a video message', upload_video_note: 'sending a video message',
      choose_sticker: 'choosing a sticker', find_location: 'looking for a place' },
  },
  ru: {
    sandbox: 'Песочница', dialogs: 'Чаты', write: 'Сообщение', send: 'Отправить', attach: 'Прикрепить файл', record: 'Записать голосовое',
    commands: 'Команды', keyboard: 'Клавиатура бота', reply: 'Ответить', cancel: 'Отмена', cancelReply: 'Не отвечать', stop: 'Остановить',
    thinking: 'Думает…', edited: 'изменено', today: 'Сегодня', yesterday: 'Вчера', toBottom: 'К последнему сообщению',
    local: 'Сообщения не покидают этот компьютер', localLong: 'Это песочница. Всё, что вы пишете, остаётся на этом компьютере.',
    theme: 'Светлая или тёмная тема', language: 'English', languageLabel: 'Switch to English', back: 'К списку чатов', menu: 'Ещё',
    block: 'Остановить и заблокировать', unblock: 'Разблокировать бота', blocked: 'Вы заблокировали этого бота', bot: 'бот', online: 'бот',
    members: (n) => `${n} ${plural(n, 'человек', 'человека', 'человек')} и боты`, you: 'Вы', writingAs: 'От чьего имени', addUser: 'Добавить человека',
    name: 'Имя', add: 'Добавить', emptyTitle: (bot) => `Поздоровайтесь: ${bot}`, pickTitle: 'Выберите бота и поздоровайтесь', emptyGroup: 'Здесь пока нет сообщений',
    hello: 'Привет!', helloMore: 'Что ты умеешь?', noBotsTitle: 'Ждём бота', noBots: 'Запустите бота, указав этот адрес как сервер Bot API:',
    away: 'Сервер не отвечает. Подключаемся снова…', sendFailed: 'Не отправлено: ', failed: 'Не получилось: ', copied: 'Скопировано', copy: 'Скопировать',
    copyLink: 'Скопировать текст', photo: 'Фото', document: 'Файл', audio: 'Аудио', voice: 'Голосовое сообщение', video: 'Видео', video_note: 'Видеосообщение',
    animation: 'GIF', sticker: 'Стикер', contact: 'Контакт', location: 'Геопозиция', poll: 'Опрос', dice: 'Кубик', unsupported: 'Такие сообщения эта страница показать не умеет',
    attachPhoto: 'Фото или видео', attachFile: 'Файл', attachAudio: 'Аудио', attachNote: 'Видеосообщение', caption: 'Подпись', asFile: 'Отправить файлами', files: (n) => `${n} ${plural(n, 'файл', 'файла', 'файлов')}`,
    sendFile: 'Отправить', dropHere: 'Отпустите файлы, чтобы отправить', tooBig: 'Файл слишком велик для песочницы (не больше 100 МБ)',
    recording: 'Запись', noMicrophone: 'Микрофона нет: выберите звуковой файл', cancelRecording: 'Выбросить запись', sendRecording: 'Отправить запись',
    play: 'Слушать', pause: 'Пауза', seek: 'Позиция', download: 'Скачать', open: 'Открыть', close: 'Закрыть', ok: 'Хорошо', reveal: 'Скрытый текст, нажмите, чтобы показать',
    allTopics: 'Все', general: 'Общая', topics: 'Темы', forwarded: 'Переслано от ', earlier: 'Ранние сообщения', deletedMessage: 'Сообщение',
    shareContact: 'Ваш контакт', noAnswer: 'Бот не ответил на нажатие', showMore: 'Показать всё', showLess: 'Свернуть', unread: (n) => `непрочитанных: ${n}`,
    joined: (who) => `${who} теперь в группе`, left: (who) => `${who} больше не в группе`, pinned: 'закрепляет сообщение', topicCreated: (name) => `Создана тема «${name}»`, noMessages: 'Сообщений пока нет',
    forcedReply: 'Бот ждёт вашего ответа', newChats: 'Сообщения',
    action: { typing: 'печатает', record_voice: 'записывает голосовое', upload_voice: 'отправляет голосовое', upload_photo: 'отправляет фото', upload_document: 'отправляет файл',
      upload_video: 'отправляет видео', record_video: 'записывает видео', record_video_note: 'записывает видеосообщение', upload_video_note: 'отправляет видеосообщение',
      choose_sticker: 'выбирает стикер', find_location: 'ищет место' },
  },
};

function plural(n, one, few, many) {
  const form = new Intl.PluralRules('ru').select(n);
  return form === 'one' ? one : form === 'few' ? few : many;
}

const preferred = (navigator.languages?.[0] ?? navigator.language ?? 'en').toLowerCase();
/** @type {'ru'|'en'} */
export const language = recall('language') ?? (/^(ru|be|uk|kk)\b/.test(preferred) ? 'ru' : 'en');
document.documentElement.lang = language;

/** @param {string} key @param {...any} values */
export function t(key, ...values) {
  const text = TEXTS[language][key];
  return typeof text === 'function' ? text(...values) : text;
}

/** A greeting in the language of the person who writes, which may differ from the interface's. */
export function greeting(languageCode, key) {
  return TEXTS[languageCode === 'ru' ? 'ru' : 'en'][key];
}

/** What a bot is doing, by the Bot API's name of the chat action. */
export function actionText(action) {
  return TEXTS[language].action[action] ?? TEXTS[language].action.typing;
}

/** The other language; a reload rebuilds every label, and unsent texts are kept per chat. */
export function switchLanguage() {
  remember('language', language === 'ru' ? 'en' : 'ru');
  location.reload();
}
