"""Rules for persons apply to what a person asks; every other event passes them."""

from pathlib import Path
from typing import get_args

import pytest

from beseda import app_bots as launch
from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.engine.context import Context
from beseda.engine.incoming import (
    Event,
    EventPlace,
    IncomingMessage,
    Membership,
    Move,
    Notice,
    Press,
    StopRequest,
    Unhandled,
)
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, living_bot

_PLACE = EventPlace(ChatKey("assistant", 4711), ChatKind.PRIVATE, "", (1,))
_STRANGER = Person(4711, "Eve")
_EVENTS: list[Event] = [
    Membership(_PLACE, _STRANGER, present=False),
    Move(_PLACE, -100),
    Notice(_PLACE, _STRANGER, "greet", {}),
    StopRequest(_PLACE, 1),
    Unhandled(_PLACE),
]


def test_every_event_that_asks_for_nothing_is_tried() -> None:
    assert {type(event) for event in _EVENTS} | {IncomingMessage, Press} == set(get_args(Event))


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: type(event).__name__)
async def test_event_that_asks_for_nothing_passes_every_policy(tmp_path: Path, event: Event) -> None:
    passed = []

    async def handler(context: Context) -> None:
        passed.append(context.event)

    environ = {"ADMIN_IDS": str(ANNA), "BESEDA_LIMITS": "on", "BESEDA_LIMIT_USER_MINUTE": "1"}
    async with living_bot(tmp_path, ScriptedModel(), **environ) as living:
        middlewares = living.bot.runner.router.middlewares
        for _ in range(2):
            for middleware in middlewares:
                await middleware(Context(living.bot.runner.bot, event), handler)
        assert await living.calls("sendMessage") == []
    assert middlewares
    assert passed == [event] * 2 * len(middlewares)


def test_steps_of_the_end_keep_within_ten_seconds_together() -> None:
    assert launch._GRACE + launch._TIDY + launch._LEAVE + launch._RECORDS < 10
