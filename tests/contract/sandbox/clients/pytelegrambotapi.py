"""pyTelegramBotAPI against a sandbox: prints a JSON object, feature -> "ok" or what went wrong."""

import json
import sys
from collections.abc import Callable
from typing import Any

import telebot  # type: ignore[import-not-found]  # installed by the test into a folder of its own
from telebot import apihelper, types

BASE, TOKEN, CHAT, FORUM = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
PNG = bytes.fromhex(sys.argv[5])
apihelper.API_URL = BASE + "/bot{0}/{1}"
apihelper.FILE_URL = BASE + "/file/bot{0}/{1}"
bot = telebot.TeleBot(TOKEN, threaded=False)
KEYBOARD = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("x", callback_data="y")]])


def send(**options: Any) -> Any:
    return bot.send_message(CHAT, "<b>раз</b> два", parse_mode="HTML", **options)


def edit() -> bool:
    sent = send(reply_markup=KEYBOARD)
    return bool(bot.edit_message_text("*три*", CHAT, sent.message_id, parse_mode="MarkdownV2").text == "три")


def photo() -> bool:
    sent = bot.send_photo(CHAT, PNG, caption="подпись")
    return bool(bot.send_photo(CHAT, sent.photo[-1].file_id).photo)


def download() -> bool:
    sent = bot.send_document(CHAT, b"abc", visible_file_name="отчёт.txt")
    return bool(bot.download_file(bot.get_file(sent.document.file_id).file_path) == b"abc")


def bulk() -> bool:
    number = send().message_id
    sent = bot.forward_messages(CHAT, CHAT, [number])
    return len(sent) == len(bot.copy_messages(CHAT, CHAT, [number])) == 1


def delete() -> bool:
    numbers = [send().message_id for _ in range(2)]
    return bool(bot.delete_message(CHAT, numbers[0]) and bot.delete_messages(CHAT, numbers[1:]))


def pin() -> bool:
    bot.pin_chat_message(CHAT, send().message_id)
    return bool(bot.unpin_all_chat_messages(CHAT))


def topic() -> bool:
    made = bot.create_forum_topic(FORUM, "Тема")
    sent = bot.send_message(FORUM, "x", message_thread_id=made.message_thread_id)
    bot.edit_forum_topic(FORUM, made.message_thread_id, name="Другая")
    bot.close_forum_topic(FORUM, made.message_thread_id)
    return bool(sent.is_topic_message and bot.delete_forum_topic(FORUM, made.message_thread_id))


def sticker() -> bool:
    found = bot.get_sticker_set("SandboxSquares")
    return bool(bot.send_sticker(CHAT, found.stickers[0].file_id).sticker.emoji == "👍")


def updates() -> bool:
    found = bot.get_updates(allowed_updates=["message", "edited_message", "message_reaction"])
    return bool(found[0].message and found[1].edited_message and found[2].message_reaction)


def missing() -> bool:
    try:
        bot.send_dice(CHAT)
    except apihelper.ApiTelegramException as error:
        return bool(error.error_code == 501)
    return False


def commands() -> bool:
    bot.set_my_commands([types.BotCommand("start", "Начать")])
    return bool(bot.get_my_commands()[0].command == "start")


FEATURES: dict[str, Callable[[], Any]] = {
    "getMe": bot.get_me,
    "updates": updates,
    "HTML": send,
    "reply": lambda: send(reply_parameters=types.ReplyParameters(send().message_id)).reply_to_message,
    "edit": edit,
    "editMarkup": lambda: bot.edit_message_reply_markup(CHAT, send().message_id, reply_markup=KEYBOARD),
    "photo": photo,
    "download": download,
    "album": lambda: len(bot.send_media_group(CHAT, [types.InputMediaPhoto(PNG) for _ in range(2)])) == 2,
    "voice": lambda: bot.send_voice(CHAT, b"OggS\x00" + b"\0" * 40),
    "animation": lambda: bot.send_animation(CHAT, ("a.gif", b"GIF89a\x40\x00\x20\x00\x80\0\0")).animation,
    "sticker": sticker,
    "bulk": bulk,
    "delete": delete,
    "pin": pin,
    "topic": topic,
    "action": lambda: bot.send_chat_action(CHAT, "typing"),
    "commands": commands,
    "permissions": lambda: bot.get_chat(FORUM).permissions.can_send_messages,
    "missing": missing,
}


def main() -> None:
    results = {}
    for name, feature in FEATURES.items():
        try:
            results[name] = "ok" if feature() else "differs"
        except Exception as error:  # a feature that fails is a line of the table
            results[name] = repr(error)
    print(json.dumps(results))


main()
