"""The conformance list: situations in Telegram's words, each with its source, from tests/samples/telegram.

A value with a dollar sign stands for what the fixture `facts` has made, `$repeat` for a long text or list.
Where no source has the words (Telegram's own servers are closed), the link leads to its list of errors.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from botapi_sandbox.methods.table import ALL_NAMES
from tests.parts.sandboxes import BotClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

Situation = dict[str, Any]
SITUATIONS: list[Situation] = json.loads(
    (Path(__file__).parents[2] / "samples" / "telegram" / "conformance.json").read_text(encoding="utf-8")
)
SOURCES = (
    "https://core.telegram.org/",
    "https://github.com/tdlib/td/blob/",
    "https://github.com/tdlib/telegram-bot-api/blob/",
)


def fill(value: Any, facts: dict[str, Any]) -> Any:
    if isinstance(value, dict) and "$repeat" in value:
        repeated, count = value["$repeat"]
        return fill(repeated, facts) * count
    if isinstance(value, dict):
        return {name: fill(inner, facts) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, facts) for inner in value]
    return facts.get(value, value) if isinstance(value, str) else value


def describe(situation: Situation) -> str:
    return f"{situation['method']}-{situation['words'].partition(': ')[2][-50:]}"


@pytest.mark.parametrize("situation", SITUATIONS, ids=describe)
async def test_refusal_has_telegrams_words(bot: BotClient, facts: dict[str, Any], situation: Situation) -> None:
    params = fill(situation["params"], facts)
    assert await bot.refused(situation["method"], **params) == situation["words"]


async def test_every_situation_names_its_source() -> None:
    assert len(SITUATIONS) >= 100
    assert [one for one in SITUATIONS if not one["source"].startswith(SOURCES)] == []
    assert {one["method"] for one in SITUATIONS} - ALL_NAMES == {"getMoney"}
    assert len({json.dumps(one, sort_keys=True) for one in SITUATIONS}) == len(SITUATIONS)


async def test_unknown_token_is_unauthorized(bot: BotClient) -> None:
    answer = await bot.with_token("1:x").call("getMe")
    assert answer == {"ok": False, "error_code": 401, "description": "Unauthorized"}
