"""aiogram as a witness: an independent reading of the Bot API understands all we answer and every update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from botapi_sandbox.methods.table import ALL_NAMES, METHODS
from tests.parts.later import LateModule
from tests.parts.media_samples import make_opus, make_png
from tests.parts.sandboxes import ANNA, FORUM, GROUP, TOKEN, BotClient, as_user

# aiogram builds its models for four seconds.
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiogram import Bot, types

    from botapi_sandbox import RunningSandbox
else:
    types = LateModule("aiogram.types")

pytestmark = pytest.mark.asyncio(loop_scope="module")

MP4 = b"\0\0\0\x18ftypmp42"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def witness(running: RunningSandbox) -> AsyncIterator[Bot]:
    from aiogram import Bot  # noqa: PLC0415
    from aiogram.client.session.aiohttp import AiohttpSession  # noqa: PLC0415
    from aiogram.client.telegram import TelegramAPIServer  # noqa: PLC0415

    session = AiohttpSession(api=TelegramAPIServer.from_base(running.base_url))
    client = Bot(TOKEN, session=session)
    yield client
    await session.close()


def upload(data: bytes, name: str) -> types.BufferedInputFile:
    return types.BufferedInputFile(data, name)


def build_keyboard() -> types.InlineKeyboardMarkup:
    return types.InlineKeyboardMarkup(inline_keyboard=[[types.InlineKeyboardButton(text="Да", callback_data="yes")]])


async def test_messages_of_all_kinds(witness: Bot) -> None:
    keyboard = build_keyboard()
    sent = await witness.send_message(ANNA, "<b>раз</b> https://example.org", parse_mode="HTML", reply_markup=keyboard)
    assert [entity.type for entity in sent.entities or []] == ["bold", "url"]
    assert sent.reply_markup is not None
    assert sent.reply_markup.model_dump() == keyboard.model_dump()
    reply = await witness.send_message(
        ANNA, "два", reply_parameters=types.ReplyParameters(message_id=sent.message_id, quote="https")
    )
    assert reply.reply_to_message is not None
    assert reply.quote is not None
    photo = await witness.send_photo(ANNA, upload(make_png(64, 32), "a.png"), caption="подпись")
    assert photo.photo is not None
    assert (photo.photo[0].width, photo.photo[0].height) == (64, 32)
    voice = await witness.send_voice(ANNA, upload(make_opus(4), "a.ogg"))
    assert voice.voice is not None
    assert voice.voice.duration == 4
    document = (await witness.send_document(ANNA, upload(b"x", "отчёт.txt"))).document
    assert document is not None
    assert document.file_name == "отчёт.txt"
    assert (await witness.send_audio(ANNA, upload(b"ID3\0", "a.mp3"), title="Песня")).audio is not None
    assert (await witness.send_video(ANNA, upload(MP4, "a.mp4"))).video is not None
    assert (await witness.send_video_note(ANNA, upload(MP4, "a.mp4"))).video_note is not None
    album = await witness.send_media_group(
        ANNA, [types.InputMediaPhoto(media=upload(make_png(), "a.png"), caption=str(number)) for number in range(2)]
    )
    assert album[0].media_group_id == album[1].media_group_id
    in_topic = await witness.send_message(FORUM, "в теме", message_thread_id=2)
    assert in_topic.is_topic_message


async def test_changes_of_messages(witness: Bot) -> None:
    sent = await witness.send_message(ANNA, "раз")
    edited = await witness.edit_message_text("два", chat_id=ANNA, message_id=sent.message_id)
    assert isinstance(edited, types.Message)
    assert edited.edit_date
    assert isinstance(
        await witness.edit_message_reply_markup(
            chat_id=ANNA, message_id=sent.message_id, reply_markup=build_keyboard()
        ),
        types.Message,
    )
    photo = await witness.send_photo(ANNA, upload(make_png(), "a.png"))
    number = photo.message_id
    assert isinstance(
        await witness.edit_message_caption(chat_id=ANNA, message_id=number, caption="новая"), types.Message
    )
    media = types.InputMediaPhoto(media=upload(make_png(9, 9), "b.png"))
    assert isinstance(await witness.edit_message_media(media, chat_id=ANNA, message_id=number), types.Message)
    assert (await witness.forward_message(ANNA, ANNA, photo.message_id)).forward_origin is not None
    assert (await witness.copy_message(ANNA, ANNA, photo.message_id, caption="x")).message_id > photo.message_id
    assert await witness.set_message_reaction(ANNA, photo.message_id, [types.ReactionTypeEmoji(emoji="👍")])
    assert await witness.pin_chat_message(ANNA, photo.message_id)
    assert (await witness.get_chat(ANNA)).pinned_message is not None
    assert await witness.unpin_chat_message(ANNA, message_id=photo.message_id)
    assert await witness.delete_message(ANNA, photo.message_id)
    assert await witness.delete_messages(ANNA, [sent.message_id, 1])


async def test_files_come_back_as_they_went(witness: Bot) -> None:
    sent = await witness.send_document(ANNA, upload(b"abc", "a.txt"))
    assert sent.document is not None
    file = await witness.get_file(sent.document.file_id)
    assert file.file_path is not None
    content = await witness.download_file(file.file_path)
    assert content is not None
    assert content.read() == b"abc"
    assert (await witness.send_document(ANNA, sent.document.file_id)).document == sent.document


async def test_description_that_a_bot_gives_of_itself(witness: Bot) -> None:
    assert (await witness.get_me()).username == "first_bot"
    commands = [types.BotCommand(command="start", description="Начать")]
    assert await witness.set_my_commands(commands, scope=types.BotCommandScopeChat(chat_id=ANNA), language_code="ru")
    found = await witness.get_my_commands(scope=types.BotCommandScopeChat(chat_id=ANNA), language_code="ru")
    assert [command.model_dump() for command in found] == [command.model_dump() for command in commands]
    assert await witness.delete_my_commands(scope=types.BotCommandScopeChat(chat_id=ANNA), language_code="ru")
    assert await witness.get_my_commands() == []
    assert await witness.set_my_name("Имя")
    assert (await witness.get_my_name(language_code="ru")).name == "Имя"
    assert await witness.set_my_description("О боте")
    assert (await witness.get_my_description()).description == "О боте"
    assert await witness.set_my_short_description("Бот")
    assert (await witness.get_my_short_description()).short_description == "Бот"
    assert await witness.set_chat_menu_button(ANNA, types.MenuButtonCommands())
    assert isinstance(await witness.get_chat_menu_button(ANNA), types.MenuButtonCommands)
    assert await witness.log_out()
    assert await witness.close()


async def test_chats_and_members(witness: Bot) -> None:
    assert (await witness.get_chat(GROUP)).title == "Команда"
    assert (await witness.get_chat_member(GROUP, ANNA)).status == "creator"
    assert len(await witness.get_chat_administrators(GROUP)) == 1
    assert await witness.get_chat_member_count(ANNA) == 2
    assert (await witness.get_user_profile_photos(ANNA)).total_count == 0
    assert await witness.send_chat_action(ANNA, "typing")


async def test_updates_of_all_kinds(witness: Bot, running: RunningSandbox, bot: BotClient) -> None:
    await witness.get_updates(offset=-1, allowed_updates=[])
    await witness.send_message(ANNA, "Так?", reply_markup=build_keyboard())
    await witness.send_message_draft(chat_id=ANNA, draft_id=5, text="Ду", can_stop=True)
    async with as_user(running) as anna:
        await anna.stop()
        said = await anna.say("раз")
        await anna.edit(said["message_id"], "два")
        await anna.press("yes")
        await anna.say("@first_bot, /start #тег", forward_from={"first_name": "Пётр"})
        await anna.send_voice(make_opus())
        await anna.send_file(make_png(), "photo", "a.png", caption="/что", media_group_id="1")
        for kind in ("audio", "video", "video_note", "document"):
            await anna.send_file(b"x", kind, "a.bin")
        await anna.block()
        await anna.block(blocked=False)
        async with as_user(running, ANNA, f"group:{FORUM}") as member:
            await member.say("@first_bot в теме", message_thread_id=3)
    raw = await bot.get("getUpdates", offset=0)
    kinds = [next(name for name in update if name != "update_id") for update in raw[-11:]]
    assert kinds == ["callback_query", *["message"] * 7, "my_chat_member", "my_chat_member", "message"]
    for update in raw:
        parsed = types.Update.model_validate(update, context={"bot": witness})
        assert parsed.event_type in update
    (stopped,) = [update for update in raw if "stopped_message_generation" in update]
    parsed = types.Update.model_validate(stopped, context={"bot": witness})
    assert parsed.stopped_message_generation is not None
    assert parsed.stopped_message_generation.draft_id == 5


async def test_webhook_is_described(witness: Bot) -> None:
    assert await witness.set_webhook("http://127.0.0.1:1/hook", secret_token="a-b_c", max_connections=3)
    info = await witness.get_webhook_info()
    assert (info.url, info.max_connections) == ("http://127.0.0.1:1/hook", 3)
    assert await witness.delete_webhook()


async def test_callback_answers_and_refusals_are_understood(witness: Bot) -> None:
    from aiogram.exceptions import TelegramBadRequest  # noqa: PLC0415

    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await witness.answer_callback_query("1")


async def test_every_method_of_aiograms_list_is_known() -> None:
    import aiogram.methods as known  # noqa: PLC0415 - only this test looks at the list

    names = set(known.__all__) - {"TelegramMethod", "Request", "Response"}
    assert {name.lower() for name in names} == {name.lower() for name in ALL_NAMES}
    assert set(METHODS) <= {name.lower() for name in ALL_NAMES}
