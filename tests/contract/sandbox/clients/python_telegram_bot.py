"""python-telegram-bot against a sandbox: prints a JSON object, feature -> "ok" or what went wrong."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import telegram  # type: ignore[import-not-found]  # installed by the test into a folder of its own

BASE, TOKEN, CHAT, FORUM = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
PNG = bytes.fromhex(sys.argv[5])
OGG = b"OggS\x00" + b"\0" * 40


def make_features(bot: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
    keyboard = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("x", callback_data="y")]])

    async def send(**options: Any) -> Any:
        return await bot.send_message(CHAT, "<b>раз</b> два", parse_mode="HTML", **options)

    async def reply() -> Any:
        return (await send(reply_to_message_id=(await send()).message_id)).reply_to_message is not None

    async def edit() -> Any:
        sent = await send(reply_markup=keyboard)
        return (await bot.edit_message_text("*три*", CHAT, sent.message_id, parse_mode="MarkdownV2")).text == "три"

    async def edit_markup() -> Any:
        return await bot.edit_message_reply_markup(CHAT, (await send()).message_id, reply_markup=keyboard)

    async def photo() -> Any:
        sent = await bot.send_photo(CHAT, PNG, caption="подпись")
        return bool((await bot.send_photo(CHAT, sent.photo[-1].file_id)).photo)

    async def download() -> Any:
        sent = await bot.send_document(CHAT, b"abc", filename="отчёт.txt")
        return bytes(await (await sent.document.get_file()).download_as_bytearray()) == b"abc"

    async def album() -> Any:
        return len(await bot.send_media_group(CHAT, [telegram.InputMediaPhoto(PNG) for _ in range(2)])) == 2

    async def bulk() -> Any:
        number = (await send()).message_id
        sent = await bot.forward_messages(CHAT, CHAT, [number])
        return len(sent) == len(await bot.copy_messages(CHAT, CHAT, [number])) == 1

    async def delete() -> Any:
        numbers = [(await send()).message_id for _ in range(2)]
        return await bot.delete_message(CHAT, numbers[0]) and await bot.delete_messages(CHAT, numbers[1:])

    async def pin() -> Any:
        number = (await send()).message_id
        await bot.pin_chat_message(CHAT, number)
        return await bot.unpin_all_chat_messages(CHAT)

    async def topic() -> Any:
        made = await bot.create_forum_topic(FORUM, "Тема")
        sent = await bot.send_message(FORUM, "x", message_thread_id=made.message_thread_id)
        await bot.edit_forum_topic(FORUM, made.message_thread_id, name="Другая")
        await bot.close_forum_topic(FORUM, made.message_thread_id)
        return sent.is_topic_message and await bot.delete_forum_topic(FORUM, made.message_thread_id)

    async def sticker() -> Any:
        found = await bot.get_sticker_set("SandboxSquares")
        return (await bot.send_sticker(CHAT, found.stickers[0].file_id)).sticker.emoji == "👍"

    async def updates() -> Any:
        found = await bot.get_updates(allowed_updates=["message", "edited_message", "message_reaction"])
        kinds = ["message" if update.message else "edit" if update.edited_message else "?" for update in found]
        return kinds[:2] == ["message", "edit"] and found[2].message_reaction is not None

    async def missing() -> Any:
        try:
            await bot.send_dice(CHAT)
        except telegram.error.InvalidToken:
            return False
        except telegram.error.TelegramError:
            return True
        return False

    async def commands() -> Any:
        await bot.set_my_commands([("start", "Начать")])
        return (await bot.get_my_commands())[0].command == "start"

    return {
        "getMe": bot.get_me,
        "updates": updates,
        "HTML": send,
        "reply": reply,
        "edit": edit,
        "editMarkup": edit_markup,
        "photo": photo,
        "download": download,
        "album": album,
        "voice": lambda: bot.send_voice(CHAT, OGG),
        "animation": lambda: bot.send_animation(CHAT, b"GIF89a\x40\x00\x20\x00\x80\0\0", filename="a.gif"),
        "sticker": sticker,
        "bulk": bulk,
        "delete": delete,
        "pin": pin,
        "topic": topic,
        "action": lambda: bot.send_chat_action(CHAT, "typing"),
        "commands": commands,
        "permissions": lambda: _permissions(bot),
        "missing": missing,
    }


async def _permissions(bot: Any) -> Any:
    return bool((await bot.get_chat(FORUM)).permissions.can_send_messages)


async def main() -> None:
    results = {}
    async with telegram.Bot(TOKEN, base_url=f"{BASE}/bot", base_file_url=f"{BASE}/file/bot") as bot:
        for name, feature in make_features(bot).items():
            try:
                results[name] = "ok" if await feature() else "differs"
            except Exception as error:  # a feature that fails is a line of the table
                results[name] = repr(error)
    print(json.dumps(results))


asyncio.run(main())
