"""Sharing a phone number: by the bot's button, by hand, of somebody else."""

import pytest

from botapi_sandbox import SandboxUser, SandboxUserError
from tests.parts.sandboxes import BotClient


async def test_button_sends_ones_own_number(bot: BotClient, anna: SandboxUser) -> None:
    markup = {"keyboard": [[{"text": "My number", "request_contact": True}, {"text": "No"}]]}
    await bot.get("sendMessage", chat_id=anna.user_id, text="?", reply_markup=markup)
    await anna.press("My number")
    contact = (await bot.get("getUpdates"))[-1]["message"]["contact"]
    assert contact["user_id"] == anna.user_id
    assert contact["phone_number"].startswith("+7900")
    assert contact["first_name"]


async def test_contact_may_belong_to_another_person_or_to_no_user(bot: BotClient, anna: SandboxUser) -> None:
    await anna.share_contact("+79123456789", contact_user_id=7000000002)
    await anna.share_contact("+79123456789", contact_user_id=0, first_name="Plumber")
    contacts = [update["message"]["contact"] for update in await bot.get("getUpdates")]
    assert contacts[0]["user_id"] == 7000000002
    assert contacts[1] == {"phone_number": "+79123456789", "first_name": "Plumber"}


@pytest.mark.parametrize("phone", ["abc", "+1", "1" * 30])
async def test_invalid_number_is_refused(anna: SandboxUser, phone: str) -> None:
    with pytest.raises(SandboxUserError, match="phone_number"):
        await anna.share_contact(phone)
