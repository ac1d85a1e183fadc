"""aiogram against a sandbox: prints a JSON object, feature -> "ok" or what went wrong."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot, types
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError, TelegramNotFound

BASE, TOKEN, CHAT, FORUM = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
PNG = bytes.fromhex(sys.argv[5])
KEYBOARD = types.InlineKeyboardMarkup(
    inline_keyboard=[[types.InlineKeyboardButton(text="x", callback_data="y")]],
)


def upload(data: bytes, name: str) -> types.BufferedInputFile:
    return types.BufferedInputFile(data, name)


def make_features(bot: Bot) -> dict[str, Callable[[], Awaitable[Any]]]:
    async def send(**options: Any) -> types.Message:
        return await bot.send_message(CHAT, "<b>раз</b> два", parse_mode="HTML", **options)

    async def reply() -> bool:
        answer = await send(reply_parameters=types.ReplyParameters(message_id=(await send()).message_id))
        return answer.reply_to_message is not None

    async def edit() -> bool:
        sent = await send(reply_markup=KEYBOARD)
        edited: Any = await bot.edit_message_text(
            "*три*", chat_id=CHAT, message_id=sent.message_id, parse_mode="MarkdownV2"
        )
        return bool(edited.text == "три")

    async def edit_markup() -> Any:
        number = (await send()).message_id
        return await bot.edit_message_reply_markup(chat_id=CHAT, message_id=number, reply_markup=KEYBOARD)

    async def photo() -> bool:
        sent: Any = await bot.send_photo(CHAT, upload(PNG, "a.png"), caption="подпись")
        return bool((await bot.send_photo(CHAT, sent.photo[-1].file_id)).photo)

    async def download() -> bool:
        sent: Any = await bot.send_document(CHAT, upload(b"abc", "отчёт.txt"))
        content: Any = await bot.download(sent.document)
        return bool(content.read() == b"abc")

    async def album() -> bool:
        media = [types.InputMediaPhoto(media=upload(PNG, "a.png")) for _ in range(2)]
        return len(await bot.send_media_group(CHAT, list(media))) == 2

    async def bulk() -> bool:
        number = (await send()).message_id
        sent = await bot.forward_messages(CHAT, CHAT, [number])
        return len(sent) == len(await bot.copy_messages(CHAT, CHAT, [number])) == 1

    async def delete() -> bool:
        numbers = [(await send()).message_id for _ in range(2)]
        return await bot.delete_message(CHAT, numbers[0]) and await bot.delete_messages(CHAT, numbers[1:])

    async def pin() -> bool:
        await bot.pin_chat_message(CHAT, (await send()).message_id)
        return await bot.unpin_all_chat_messages(CHAT)

    async def topic() -> bool:
        thread = (await bot.create_forum_topic(FORUM, "Тема")).message_thread_id
        sent = await bot.send_message(FORUM, "x", message_thread_id=thread)
        await bot.edit_forum_topic(FORUM, thread, name="Другая")
        await bot.close_forum_topic(FORUM, thread)
        return bool(sent.is_topic_message) and await bot.delete_forum_topic(FORUM, thread)

    async def sticker() -> bool:
        found = await bot.get_sticker_set("SandboxSquares")
        sent: Any = await bot.send_sticker(CHAT, found.stickers[0].file_id)
        return bool(sent.sticker.emoji == "👍")

    async def updates() -> bool:
        found = await bot.get_updates(allowed_updates=["message", "edited_message", "message_reaction"])
        return bool(found[0].message and found[1].edited_message and found[2].message_reaction)

    async def missing() -> bool:
        try:
            await bot.send_dice(CHAT)
        except TelegramNotFound:
            return False
        except TelegramAPIError:
            return True
        return False

    async def commands() -> bool:
        await bot.set_my_commands([types.BotCommand(command="start", description="Начать")])
        return (await bot.get_my_commands())[0].command == "start"

    async def permissions() -> bool:
        info: Any = await bot.get_chat(FORUM)
        return bool(info.permissions.can_send_messages)

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
        "voice": lambda: bot.send_voice(CHAT, upload(b"OggS\x00" + b"\0" * 40, "a.ogg")),
        "animation": lambda: bot.send_animation(CHAT, upload(b"GIF89a\x40\x00\x20\x00\x80\0\0", "a.gif")),
        "sticker": sticker,
        "bulk": bulk,
        "delete": delete,
        "pin": pin,
        "topic": topic,
        "action": lambda: bot.send_chat_action(CHAT, "typing"),
        "commands": commands,
        "permissions": permissions,
        "missing": missing,
    }


async def main() -> None:
    results = {}
    async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(BASE))) as bot:
        for name, feature in make_features(bot).items():
            try:
                results[name] = "ok" if await feature() else "differs"
            except Exception as error:  # a feature that fails is a line of the table
                results[name] = repr(error)
    print(json.dumps(results))


asyncio.run(main())
