"""Replies, quotes, forwards, copies: what a message shows of another one."""

from typing import Any

import pytest

from botapi_sandbox import SandboxUser
from tests.parts.sandboxes import ANNA, CHRIS, FORUM, GROUP, OTHER_TOKEN, BotClient


async def send(bot: BotClient, chat_id: int = ANNA, text: str = "x", **params: Any) -> dict[str, Any]:
    sent: dict[str, Any] = await bot.get("sendMessage", chat_id=chat_id, text=text, **params)
    return sent


async def test_a_reply_to_another_chat_is_external(bot: BotClient) -> None:
    source = await send(bot, GROUP, "<b>раз</b> два", parse_mode="HTML")
    reply = {"chat_id": GROUP, "message_id": source["message_id"]}
    sent = await send(bot, reply_parameters=reply)
    assert "reply_to_message" not in sent
    assert sent["external_reply"]["origin"]["sender_user"] == source["from"]
    assert (sent["external_reply"]["chat"]["id"], sent["external_reply"]["message_id"]) == (GROUP, source["message_id"])
    bold = {"offset": 0, "length": 3, "type": "bold"}
    assert sent["quote"] == {"text": "раз два", "position": 0, "entities": [bold]}


async def test_a_reply_to_a_private_chat_hides_which_one(bot: BotClient) -> None:
    source = await send(bot, CHRIS)
    sent = await send(bot, reply_parameters={"chat_id": CHRIS, "message_id": source["message_id"], "quote": "x"})
    assert set(sent["external_reply"]) == {"origin"}
    assert sent["quote"] == {"text": "x", "position": 0, "is_manual": True}


async def test_a_reply_to_another_topic_is_external(bot: BotClient) -> None:
    source = await send(bot, FORUM, message_thread_id=2)
    sent = await send(bot, FORUM, message_thread_id=3, reply_parameters={"message_id": source["message_id"]})
    assert sent["external_reply"]["message_id"] == source["message_id"]
    assert sent["message_thread_id"] == 3


async def test_a_missing_message_of_another_chat_is_refused_in_any_case(bot: BotClient) -> None:
    reply = {"chat_id": GROUP, "message_id": 1, "allow_sending_without_reply": True}
    assert await bot.refused("sendMessage", chat_id=ANNA, text="x", reply_parameters=reply) == (
        "Bad Request: message to be replied not found"
    )
    assert "reply_to_message" not in await send(bot, reply_parameters={**reply, "chat_id": ANNA})


QUOTED = "один <b>два</b> один"


@pytest.mark.parametrize(
    ("quote", "position"),
    [
        ({"quote": "один"}, 0),
        ({"quote": "один", "quote_position": 8}, 9),
        ({"quote": "<b>два</b>", "quote_parse_mode": "HTML"}, 5),
        ({"quote": "ва", "quote_entities": [{"type": "bold", "offset": 0, "length": 2}]}, 6),
        ({"quote": "два"}, None),
        ({"quote": "*один*", "quote_parse_mode": "Markdown"}, None),
        ({"quote": "три"}, None),
        ({"quote": "  "}, None),
    ],
)
async def test_a_quote_must_be_in_the_message_with_its_entities(
    bot: BotClient, quote: dict[str, Any], position: int | None
) -> None:
    source = await send(bot, text=QUOTED, parse_mode="HTML")
    reply = {"message_id": source["message_id"], **quote}
    answer = await bot.call("sendMessage", chat_id=ANNA, text="x", reply_parameters=reply)
    if position is None:
        assert answer["description"] == "Bad Request: QUOTE_TEXT_INVALID"
    else:
        assert answer["result"]["quote"]["position"] == position
        assert answer["result"]["quote"]["is_manual"]


async def test_a_forward_has_the_fields_of_old_bots_too(bot: BotClient, anna: SandboxUser) -> None:
    source = await send(bot)
    forward = await bot.get("forwardMessage", chat_id=CHRIS, from_chat_id=ANNA, message_id=source["message_id"])
    assert forward["forward_from"] == source["from"]
    assert forward["forward_date"] == forward["forward_origin"]["date"] == source["date"]
    await anna.say("смотри", forward_from={"first_name": "Пётр"})
    hidden = (await bot.get("getUpdates"))[-1]["message"]
    assert (hidden["forward_sender_name"], hidden["forward_origin"]["type"]) == ("Пётр", "hidden_user")


async def test_messages_are_forwarded_and_copied_in_bulk(bot: BotClient, anna: SandboxUser) -> None:
    numbers = [(await send(bot, text=str(number)))["message_id"] for number in range(3)]
    numbers.append((await send(bot, protect_content=True))["message_id"])
    source = {"chat_id": CHRIS, "from_chat_id": ANNA, "message_ids": [1, *numbers]}
    for method, has_origin in (("forwardMessages", True), ("copyMessages", False)):
        sent = await bot.get(method, **source)
        async with SandboxUser(bot.base_url, CHRIS, f"first_bot:{CHRIS}") as chris:
            shown = (await chris.history())[-3:]
        assert [message["message_id"] for message in shown] == [one["message_id"] for one in sent]
        assert [message["text"] for message in shown] == ["0", "1", "2"]
        assert all(("forward_origin" in message) == has_origin for message in shown)


async def test_copies_in_bulk_can_lose_their_captions(bot: BotClient, anna: SandboxUser) -> None:
    said = await anna.send_file(b"x", "document", "a.txt", caption="подпись")
    (copy,) = await bot.get(
        "copyMessages", chat_id=ANNA, from_chat_id=ANNA, message_ids=[said["message_id"]], remove_caption=True
    )
    (shown,) = [one for one in await anna.history() if one["message_id"] == copy["message_id"]]
    assert "document" in shown
    assert "caption" not in shown


async def test_several_deletions_are_made_together_or_refused(bot: BotClient) -> None:
    own = (await send(bot, GROUP))["message_id"]
    others = (await send(bot.with_token(OTHER_TOKEN), GROUP))["message_id"]
    refused = await bot.refused("deleteMessages", chat_id=GROUP, message_ids=[own, others])
    assert refused == "Bad Request: message can't be deleted"
    async with SandboxUser(bot.base_url, ANNA, f"group:{GROUP}") as anna:
        assert [message["message_id"] for message in await anna.history()] == [own, others]
        assert await bot.get("deleteMessages", chat_id=GROUP, message_ids=[own, 1])
        await anna.make_administrator("first_bot")
        assert await bot.get("deleteMessages", chat_id=GROUP, message_ids=[others])
        assert await anna.history() == []


async def test_a_pin_leaves_a_service_message(bot: BotClient, anna: SandboxUser) -> None:
    number = (await send(bot))["message_id"]
    await bot.get("pinChatMessage", chat_id=ANNA, message_id=number)
    (update,) = await bot.get("getUpdates")
    note = update["message"]
    assert (note["pinned_message"]["message_id"], note["message_id"]) == (number, number + 1)
    assert (await send(bot))["message_id"] == number + 2
    refused = await bot.refused("pinChatMessage", chat_id=ANNA, message_id=note["message_id"])
    assert refused == "Bad Request: service messages can't be pinned"
    refused = await bot.refused("forwardMessage", chat_id=ANNA, from_chat_id=ANNA, message_id=note["message_id"])
    assert refused == "Bad Request: the message can't be forwarded"
