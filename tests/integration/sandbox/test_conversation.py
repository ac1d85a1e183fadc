import pytest

from botapi_sandbox import SandboxUser, SandboxUserError
from tests.parts.sandboxes import ANNA, BotClient


async def test_post_reaches_the_bot_and_its_answer_the_user(bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("/start привет")
    (update,) = await bot.get("getUpdates", timeout=5)
    message = update["message"]
    assert message["text"] == "/start привет"
    assert message["entities"] == [{"offset": 0, "length": 6, "type": "bot_command"}]
    assert message["from"]["language_code"] == "ru"
    assert message["chat"] == {
        "id": ANNA, "first_name": "Анна", "last_name": "Иванова", "username": "anna_sandbox", "type": "private"
    }  # fmt: skip
    await bot.get("sendMessage", chat_id=ANNA, text="<b>Здравствуйте</b>", parse_mode="HTML")
    reply = await anna.wait_reply()
    assert reply["text"] == "Здравствуйте"
    assert reply["entities"] == [{"offset": 0, "length": 12, "type": "bold"}]


async def test_updates_stay_until_an_offset_passes_them(bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("раз")
    await anna.say("два")
    first = await bot.get("getUpdates")
    again = await bot.get("getUpdates", offset=first[0]["update_id"])
    rest = await bot.get("getUpdates", offset=first[1]["update_id"], limit=1)
    assert [update["message"]["text"] for update in again] == ["раз", "два"]
    assert [update["message"]["text"] for update in rest] == ["два"]
    assert first[1]["update_id"] == first[0]["update_id"] + 1


async def test_press_gives_a_callback_query_once_and_its_answer_an_event(bot: BotClient, anna: SandboxUser) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
    await bot.get("sendMessage", chat_id=ANNA, text="Так?", reply_markup=keyboard)
    callback_id = await anna.press("Да")
    (update,) = await bot.get("getUpdates", timeout=5)
    assert update["callback_query"]["data"] == "yes"
    assert update["callback_query"]["id"] == callback_id
    await bot.get("answerCallbackQuery", callback_query_id=callback_id, text="Хорошо")
    answer = await anna.wait_callback_answer(str(callback_id))
    assert answer["text"] == "Хорошо"
    late = await bot.refused("answerCallbackQuery", callback_query_id=callback_id)
    assert late == "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_reply_keyboard_is_pressed_by_its_label_and_removed(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("sendMessage", chat_id=ANNA, text="Меню", reply_markup={"keyboard": [["Помощь"]]})
    await anna.press("Помощь")
    (update,) = await bot.get("getUpdates", timeout=5)
    assert update["message"]["text"] == "Помощь"
    await bot.get("sendMessage", chat_id=ANNA, text="Убрал", reply_markup={"remove_keyboard": True})
    assert (await anna.get_dialog())["reply_keyboard"] is None


async def test_buttons_without_text_and_beyond_a_row_are_left_out(bot: BotClient) -> None:
    row = [{"text": str(number), "callback_data": "x"} for number in range(14)]
    keyboard = {"inline_keyboard": [[{"text": "", "callback_data": "x"}], row]}
    sent = await bot.get("sendMessage", chat_id=ANNA, text="x", reply_markup=keyboard)
    assert sent["reply_markup"] == {"inline_keyboard": [row[:12]]}


async def test_edit_and_delete_are_seen_by_the_user(bot: BotClient, anna: SandboxUser) -> None:
    sent = await bot.get("sendMessage", chat_id=ANNA, text="один")
    await bot.get("editMessageText", chat_id=ANNA, message_id=sent["message_id"], text="два")
    assert (await anna.wait_for(lambda event: event["type"] == "edit"))["message"]["text"] == "два"
    assert (await anna.history())[0]["edited"]
    await bot.get("deleteMessage", chat_id=ANNA, message_id=sent["message_id"])
    gone = await anna.wait_for(lambda event: event["type"] == "delete")
    assert gone["message_ids"] == [sent["message_id"]]


async def test_draft_is_shown_and_ended_by_the_message(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("sendMessageDraft", chat_id=ANNA, draft_id=7, text="<b>Я ду", parse_mode="Markdown")
    assert (await anna.wait_draft())["text"] == "<b>Я ду"
    await anna.say("ну?")
    assert (await anna.get_dialog())["draft"]["draft_id"] == 7
    await bot.get("sendMessage", chat_id=ANNA, text="Я думаю")
    assert (await anna.get_dialog())["draft"] is None


async def test_stopped_draft_vanishes_and_the_bot_is_notified(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Я ду", can_stop=True)
    await anna.stop()
    (update,) = await bot.get("getUpdates", timeout=5)
    assert update["stopped_message_generation"]["draft_id"] == "7"
    assert update["stopped_message_generation"]["chat"]["id"] == ANNA
    assert (await anna.get_dialog())["draft"] is None


async def test_stopped_draft_can_be_kept_but_not_stopped_twice(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Я ду", can_stop=True, keep_on_stop=True)
    await anna.stop()
    assert (await anna.get_dialog())["draft"]["can_stop"] is False
    with pytest.raises(SandboxUserError, match="cannot be stopped"):
        await anna.stop()


async def test_long_paste_comes_in_pieces(bot: BotClient, anna: SandboxUser) -> None:
    await anna.say("слово " * 1500)
    texts = [update["message"]["text"] for update in await bot.get("getUpdates")]
    assert [len(text) for text in texts] == [4091, 4091, 815]
    assert " ".join(texts) == ("слово " * 1500).strip()


async def test_edited_message_of_a_user_is_an_update(bot: BotClient, anna: SandboxUser) -> None:
    said = await anna.say("превет")
    await anna.edit(said["message_id"], "привет")
    updates = await bot.get("getUpdates")
    assert updates[1]["edited_message"]["text"] == "привет"
    assert updates[1]["edited_message"]["edit_date"]


async def test_edited_caption_of_a_user_is_an_update(bot: BotClient, anna: SandboxUser) -> None:
    said = await anna.send_file(b"x", "document", "a.txt", caption="превет")
    await anna.edit(said["message_id"], "привет")
    edited = (await bot.get("getUpdates"))[1]["edited_message"]
    assert (edited["caption"], edited["document"]["file_name"]) == ("привет", "a.txt")
    await anna.edit(said["message_id"], "")
    assert "caption" not in (await bot.get("getUpdates"))[2]["edited_message"]


async def test_edited_messages_come_only_to_bots_that_want_them(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("getUpdates", allowed_updates=["message"])
    said = await anna.say("превет")
    await anna.edit(said["message_id"], "привет")
    assert [list(update)[1] for update in await bot.get("getUpdates")] == ["message"]
    await bot.get("getUpdates", allowed_updates=["edited_message"])
    await anna.edit(said["message_id"], "Привет!")
    assert [list(update)[1] for update in await bot.get("getUpdates")] == ["message", "edited_message"]


async def test_an_edit_of_a_user_that_changes_nothing_is_no_update(bot: BotClient, anna: SandboxUser) -> None:
    said = await anna.say("привет")
    with pytest.raises(SandboxUserError, match="MESSAGE_NOT_MODIFIED"):
        await anna.edit(said["message_id"], "привет")
    assert len(await bot.get("getUpdates")) == 1


async def test_typing_lasts_until_the_message(bot: BotClient, anna: SandboxUser) -> None:
    await bot.get("sendChatAction", chat_id=ANNA, action="typing")
    assert (await anna.wait_for(lambda event: event["type"] == "typing"))["expires_in"] == 5
    assert (await anna.get_dialog())["typing"]
    await bot.get("sendMessage", chat_id=ANNA, text="вот")
    assert not (await anna.get_dialog())["typing"]


async def test_blocked_bot_is_notified_and_refused(bot: BotClient, anna: SandboxUser) -> None:
    await anna.block()
    (update,) = await bot.get("getUpdates", timeout=5)
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert await bot.refused("sendMessage", chat_id=ANNA, text="?") == "Forbidden: bot was blocked by the user"
    with pytest.raises(SandboxUserError, match="unblock"):
        await anna.say("?")
    await anna.block(blocked=False)
    await bot.get("sendMessage", chat_id=ANNA, text="снова здесь")
