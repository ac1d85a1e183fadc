// grammY or Telegraf against a sandbox: prints a JSON object, feature -> "ok" or what went wrong.
const [, , library, base, token, chatText, forumText, hex] = process.argv;
const [chat, forum, png] = [Number(chatText), Number(forumText), Buffer.from(hex, 'hex')];
const html = { parse_mode: 'HTML' };
const keyboard = { inline_keyboard: [[{ text: 'x', callback_data: 'y' }]] };
const gif = Buffer.from('GIF89a\x40\x00\x20\x00\x80\x00\x00', 'latin1');
const ogg = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(40)]);
const allowed = ['message', 'edited_message', 'message_reaction'];

function open() {
  if (library === 'grammy') {
    const { Api, InputFile } = require('grammy');
    const api = new Api(token, { apiRoot: base });
    return {
      raw: (method, payload) => api.raw[method](payload),
      file: (data, name) => new InputFile(data, name),
    };
  }
  const { Telegram } = require('telegraf');
  const api = new Telegram(token, { apiRoot: base });
  return {
    raw: (method, payload = {}) => api.callApi(method, payload),
    file: (data, name) => ({ source: data, filename: name }),
  };
}

const { raw, file } = open();
const send = (more = {}) => raw('sendMessage', { chat_id: chat, text: '<b>раз</b> два', ...html, ...more });
const id = async () => (await send()).message_id;

const features = {
  getMe: () => raw('getMe'),
  updates: async () => {
    const found = await raw('getUpdates', { allowed_updates: allowed });
    return found[0].message && found[1].edited_message && found[2].message_reaction;
  },
  HTML: send,
  reply: async () => (await send({ reply_parameters: { message_id: await id() } })).reply_to_message,
  edit: async () => {
    const { message_id } = await send({ reply_markup: keyboard });
    const edit = { chat_id: chat, message_id, text: '*три*', parse_mode: 'MarkdownV2' };
    return (await raw('editMessageText', edit)).text === 'три';
  },
  editMarkup: async () => raw('editMessageReplyMarkup', { chat_id: chat, message_id: await id(), reply_markup: keyboard }),
  photo: async () => {
    const sent = await raw('sendPhoto', { chat_id: chat, photo: file(png, 'a.png'), caption: 'подпись' });
    return (await raw('sendPhoto', { chat_id: chat, photo: sent.photo[0].file_id })).photo;
  },
  download: async () => {
    const sent = await raw('sendDocument', { chat_id: chat, document: file(Buffer.from('abc'), 'отчёт.txt') });
    const { file_path } = await raw('getFile', { file_id: sent.document.file_id });
    return (await (await fetch(`${base}/file/bot${token}/${file_path}`)).text()) === 'abc';
  },
  album: async () => {
    const media = [1, 2].map((number) => ({ type: 'photo', media: file(png, `${number}.png`) }));
    return (await raw('sendMediaGroup', { chat_id: chat, media })).length === 2;
  },
  voice: () => raw('sendVoice', { chat_id: chat, voice: file(ogg, 'a.ogg') }),
  animation: async () => (await raw('sendAnimation', { chat_id: chat, animation: file(gif, 'a.gif') })).animation,
  sticker: async () => {
    const set = await raw('getStickerSet', { name: 'SandboxSquares' });
    return (await raw('sendSticker', { chat_id: chat, sticker: set.stickers[0].file_id })).sticker.emoji === '👍';
  },
  bulk: async () => {
    const source = { chat_id: chat, from_chat_id: chat, message_ids: [await id()] };
    return (await raw('forwardMessages', source)).length + (await raw('copyMessages', source)).length === 2;
  },
  delete: async () => {
    const numbers = [await id(), await id()];
    await raw('deleteMessage', { chat_id: chat, message_id: numbers[0] });
    return raw('deleteMessages', { chat_id: chat, message_ids: numbers.slice(1) });
  },
  pin: async () => {
    await raw('pinChatMessage', { chat_id: chat, message_id: await id() });
    return raw('unpinAllChatMessages', { chat_id: chat });
  },
  topic: async () => {
    const { message_thread_id } = await raw('createForumTopic', { chat_id: forum, name: 'Тема' });
    const topic = { chat_id: forum, message_thread_id };
    const sent = await raw('sendMessage', { ...topic, text: 'x' });
    await raw('editForumTopic', { ...topic, name: 'Другая' });
    await raw('closeForumTopic', topic);
    return sent.is_topic_message && (await raw('deleteForumTopic', topic));
  },
  action: () => raw('sendChatAction', { chat_id: chat, action: 'typing' }),
  commands: async () => {
    await raw('setMyCommands', { commands: [{ command: 'start', description: 'Начать' }] });
    return (await raw('getMyCommands', {}))[0].command === 'start';
  },
  permissions: async () => (await raw('getChat', { chat_id: forum })).permissions.can_send_messages,
  missing: async () => {
    try {
      await raw('sendDice', { chat_id: chat });
    } catch (error) {
      return (error.error_code ?? error.code ?? error.response?.error_code) === 501;
    }
    return false;
  },
};

(async () => {
  const results = {};
  for (const [name, feature] of Object.entries(features)) {
    try {
      results[name] = (await feature()) ? 'ok' : 'differs';
    } catch (error) {
      results[name] = String(error);
    }
  }
  console.log(JSON.stringify(results));
})();
