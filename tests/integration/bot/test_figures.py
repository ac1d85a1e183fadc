"""A played hour of a sales bot, counted by hand: the figures say the same at once and after the roll-up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beseda.core.chat import Person
from beseda.core.errors import UnavailableError
from beseda.features.analytics.model import Metrics, Period
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.analytics.service import AnalyticsService
from beseda.features.conversations.queries import ConversationList
from beseda.features.leads.model import LeadChange, LeadStatus
from beseda.features.sales.repository import SalesRepository
from beseda.features.takeover.service import OperatorMessage
from beseda.testing.clock import ManualClock
from tests.parts.living_bot import ANNA, BORIS, CHRIS, LivingBot, living_bot
from tests.parts.postgres import PostgresServer
from tests.parts.sales import Entry, find, form, lead_of, selling_model
from tests.parts.waiting import eventually

# Texts of people, as docs/how-to/analytics.md counts: no commands, no buttons, not what is said by or to an operator.
SAID = {ANNA: 4, CHRIS: 2, BORIS: 1}
# Of Anna's questions one was answered at the second try, and one never.
ANSWERED = {ANNA: 3, CHRIS: 2, BORIS: 1}
# Anna names a problem and its size at once, which opens her lead at the presentation, and she buys.
FUNNEL = [("greeting", 2, 0, 0), ("presentation", 1, 0, 1)]


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    server = PostgresServer()
    yield {"DATABASE_URL": server.create_database()}
    server.close()


async def test_played_hour_counted_by_hand_equals_the_figures(tmp_path: Path, environ: dict[str, str]) -> None:
    known = form(find("problems", "разбираем заявки руками"), find("volume", "400 в день"))
    nothing = [form(signals=())] * 9
    answers: list[Entry] = ["Понимаю", UnavailableError("away"), "Вот так", UnavailableError("away")]
    async with living_bot(tmp_path, selling_model([known, *nothing], answers), "sales", **environ) as living:
        await _play_anna(living)
        await _play_chris(living)
        await _play_boris(living)
        lead = await lead_of(living)
        await living.app.features.leads.change(lead.id, LeadChange(status=LeadStatus.WON), actor="owner")
        store, now = AnalyticsRepository(living.app.engine.database, living.app.engine.clock), datetime.now(UTC)
        period = Period(now - timedelta(hours=1), now + timedelta(hours=1), "sales")
        _check(await living.app.features.analytics.metrics(period))
        later = AnalyticsService(store, ManualClock(now + timedelta(hours=3)))
        assert await later.roll_up() >= 1
        assert await store.find_rolled_until() is not None
        _check(await later.metrics(period))


async def _play_anna(living: LivingBot) -> None:
    anna = await living.user(ANNA)
    for command in ("/start", "/help"):
        await anna.say(command)
        await anna.wait_reply()
    await anna.say("Мы разбираем заявки руками, 400 в день")
    await anna.wait_text("Понимаю")
    await living.settle()
    await anna.say("Как вы это делаете?")
    await anna.wait_reply()  # the model is away
    await living.settle()
    await anna.press("🔄 Ещё раз")
    await anna.wait_text("Вот так")
    await living.settle()
    await anna.say("А сколько это стоит?")
    await anna.wait_reply()  # away once more, and not asked again
    await living.settle()
    await anna.say("/consent")
    await anna.wait_reply()
    await anna.say("Спасибо, я подумаю")
    await anna.wait_reply()
    await living.settle()


async def _play_chris(living: LivingBot) -> None:
    chris = await living.user(CHRIS)
    for text in ("Hello there, what is it that you do?", "Sounds good, tell me more about it"):
        await chris.say(text)
        await chris.wait_reply()
        await living.settle()


async def _play_boris(living: LivingBot) -> None:
    boris = await living.user(BORIS)
    await boris.say("Здравствуйте, расскажите о вашей компании")
    await boris.wait_reply()
    await living.settle()
    found = await SalesRepository(living.app.engine.database).private_chat("sales", BORIS)
    assert found is not None
    conversation = found[0]
    takeovers = living.app.features.takeovers
    await takeovers.take(conversation.id, "Olga")
    await boris.say("Хочу поговорить с человеком")

    async def is_kept() -> bool:
        said = await ConversationList(living.app.engine.database).last_messages(conversation.id, limit=1)
        return said[0].content == "Хочу поговорить с человеком"

    await eventually(is_kept)
    await takeovers.send(conversation, Person(BORIS, "Boris"), OperatorMessage("Это Ольга", "Это Ольга", "Olga"))
    await boris.wait_text("Это Ольга")
    await takeovers.give_back(conversation.id)
    await living.settle()


def _check(found: Metrics) -> None:
    figures = found.figures
    assert (figures.messages, figures.answers) == (sum(SAID.values()), sum(ANSWERED.values()))
    assert (figures.failures, figures.conversations, found.active_users) == (1, 3, 3)
    assert (found.leads.total, found.leads.won) == (3, 1)
    assert [(row.stage, row.entered, row.exited, row.won) for row in found.funnel] == FUNNEL
