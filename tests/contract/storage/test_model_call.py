"""What models are asked beside answers counts wherever answers do."""

from datetime import UTC, datetime, timedelta

import pytest

from beseda.core.errors import UnavailableError
from beseda.core.message import Message, Role
from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.usage.ledger import UsageLedger
from beseda.engine.usage.model_calls import ModelCallRepository
from beseda.features.analytics.model import Period
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.reports.repository import ReportRepository
from beseda.llm.base import ModelRequest
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.contract.storage.world import BOT, CALL, World

NOW = datetime.now(UTC)
TODAY = Period(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
REQUEST = ModelRequest([Message(Role.USER, "Sum up")])


async def test_calls_beside_answers_are_counted_like_those_of_answers(world: World) -> None:
    conversation = await world.open_conversation()
    await world.reply(await world.receive(conversation, "hello"), "hi")
    calls = ModelCallRepository(world.database)
    for purpose in (
        CallPurpose(BOT, Purpose.SUMMARY, conversation.id),
        CallPurpose(BOT, Purpose.BRIEFING),
        CallPurpose("llama", Purpose.DOCUMENT),
    ):
        await calls.add(CALL, purpose)
    totals = await world.conversations.totals(conversation)
    assert (totals.prompt_tokens, totals.completion_tokens, totals.cost) == (20, 10, 0.5)
    hours = await AnalyticsRepository(world.database).measure(TODAY)
    assert {hour.bot: hour.figures.model_calls for hour in hours} == {BOT: 3, "llama": 1}
    assert {hour.bot: hour.figures.cost for hour in hours} == {BOT: 0.75, "llama": 0.25}
    costs = await ReportRepository(world.database).costs(TODAY)
    assert [(row.bot, row.calls, row.cost) for row in costs] == [(BOT, 3, 0.75), ("llama", 1, 0.25)]


async def test_book_keeps_the_requests_of_models_and_their_failures(world: World) -> None:
    conversation = await world.open_conversation()
    book = UsageLedger(ModelCallRepository(world.database), ManualClock())
    answers = [ScriptedAnswer(pieces=("a cat",)), ScriptedAnswer(error=UnavailableError("down"))]
    model = book.keep(ScriptedModel(answers), CallPurpose(BOT, Purpose.SUMMARY, conversation.id))
    assert [event async for event in model.stream(REQUEST)]
    with pytest.raises(UnavailableError):
        assert not [event async for event in model.stream(REQUEST)]
    (hour,) = await AnalyticsRepository(world.database).measure(TODAY)
    assert (hour.figures.model_calls, hour.figures.model_failures) == (2, 1)
