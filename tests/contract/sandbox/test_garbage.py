"""Whatever a call brings, the answer is Telegram's yes or no: never a failure of the server itself."""

import random
from typing import Any

import pytest

from botapi_sandbox.methods.table import METHODS
from tests.parts.sandboxes import ANNA, GROUP, BotClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = (
    "text parse_mode entities link_preview_options reply_markup reply_parameters message_thread_id message_id caption "
    "caption_entities photo media offset limit allowed_updates draft_id commands scope menu_button reaction message_ids"
)
ENTITY = {"type": "bold", "offset": 0, "length": 1}
VALUES: list[Any] = [
    *(None, "", 0, -1, 2**62, 1.5, True, "x", "null", "{}", "[[]]", "9" * 5000, "٣", "http://[", "attach://x", "<b>x"),
    *([], {}, [[]], [1], [None], [{}], {"type": []}, [{"type": {}}], [{"type": "photo", "media": 5}]),
    *({"inline_keyboard": 1}, {"inline_keyboard": [[1]]}, {"inline_keyboard": [[{"text": "x", "url": 5}]]}),
    *({"inline_keyboard": [[{"text": "x", "callback_data": {}}]]}, {"keyboard": [[{"text": 5}]]}, {"keyboard": 5}),
    *({"message_id": {}}, {"message_id": 1, "quote": 5}, {"type": "chat", "chat_id": {}}, [{"command": 5}]),
    *([{**ENTITY, "offset": "x"}], [{**ENTITY, "offset": -5}], [{**ENTITY, "length": 2**40}]),
    *([{**ENTITY, "type": {}}], [{**ENTITY, "type": "text_link"}], [{**ENTITY, "type": "text_mention", "user": 5}]),
]
# These wait, or send updates elsewhere.
LEFT_OUT = {"getupdates", "setwebhook"}


@pytest.mark.parametrize("method", sorted(set(METHODS) - LEFT_OUT))
async def test_garbage_is_answered(bot: BotClient, facts: dict[str, Any], method: str) -> None:
    dice = random.Random(method)
    for _ in range(40):
        params = {name: dice.choice(VALUES) for name in dice.sample(NAMES.split(), 5)}
        params.setdefault("message_id", facts["$text"])
        params.setdefault("text", f"x{dice.random()}")
        chat_id = dice.choice([ANNA, GROUP])
        answer = await bot.call(method, chat_id=chat_id, from_chat_id=chat_id, user_id=chat_id, **params)
        assert answer.get("error_code") != 500, params
