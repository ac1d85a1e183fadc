"""Random turns with all that hangs on them, and the same figures counted in plain Python."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from beseda.core.ids import lowest_id
from beseda.engine.conversations.tables import conversations, messages, users
from beseda.engine.flood_waits.repository import flood_waits
from beseda.engine.turns.tables import model_calls, turns
from beseda.features.analytics.model import Figures, Period, ResponseTimes

BOTS = ("sales", "assistant")
START = datetime(2026, 11, 17, 21, 30, tzinfo=UTC)
_NO_NAME = {"name": "", "username": "", "language": ""}


@dataclass
class Talk:
    """A turn as it was made up."""

    id: int
    bot: str
    conversation_id: int
    user_id: int
    at: datetime
    state: str
    kind: str
    attempt: int
    took: int
    answered: bool
    error: str
    tokens: tuple[int, int]
    cost: float | None


@dataclass
class RandomRecord:
    """Everything that happened in `span` from START on."""

    seed: int
    span: timedelta = timedelta(hours=50)
    talks: list[Talk] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)
    floods: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        for number in range(1, 13):
            at = self._moment(chance) if number > 1 else START
            place = {"id": number, "bot": chance.choice(BOTS), "chat_id": number, "user_id": chance.randint(1, 6)}
            place |= {"thread_id": 0, "kind": "private", "title": "", "created_at": at, "updated_at": at}
            self.places.append(place)
        self.talks = sorted((self._talk(chance, number) for number in range(300)), key=lambda talk: talk.id)
        for _ in range(9):
            wait = {"bot": chance.choice(BOTS), "chat_id": 1, "chat_kind": "private", "method": "sendMessage"}
            self.floods.append({**wait, "seconds": chance.randint(1, 30) / 2, "occurred_at": self._moment(chance)})

    def _moment(self, chance: random.Random) -> datetime:
        # Some stand right on the hour: there the sides are told apart.
        at = START + self.span * chance.random()
        return at.replace(minute=0, second=0, microsecond=0) if chance.random() < 0.05 and at.hour != 21 else at

    def _talk(self, chance: random.Random, number: int) -> Talk:
        place, at = chance.choice(self.places), self._moment(chance)
        return Talk(
            lowest_id(at) + number,
            place["bot"],
            place["id"],
            chance.randint(1, 9),
            at,
            chance.choice(["delivered", "delivered", "delivered", "failed", "received"]),
            chance.choice(["chat", "chat", "voice", "command"]),
            chance.choice([0, 0, 0, 1]),
            round(10 ** (1 + 5 * chance.random())),
            chance.random() < 0.8,
            chance.choice(["", "", "", "TimedOutError"]),
            (chance.randint(0, 500), chance.randint(0, 90)),
            chance.choice([None, 0.25, 0.5]),
        )

    def write(self, connection: Connection) -> None:
        """Put all of it into empty tables."""
        seen = {"created_at": START, "last_seen_at": START}
        connection.execute(insert(users), [{"id": number, **_NO_NAME, **seen} for number in range(1, 10)])
        connection.execute(insert(conversations), self.places)
        self.write_talks(connection, self.talks)
        connection.execute(insert(flood_waits), self.floods)

    def write_talks(self, connection: Connection, talks: Sequence[Talk]) -> None:
        """Put some turns into the tables."""
        connection.execute(insert(turns), [_turn(talk) for talk in talks])
        connection.execute(insert(messages), [row for talk in talks for row in _messages(talk)])
        connection.execute(insert(model_calls), [_call(talk) for talk in talks])

    def count(self, period: Period) -> tuple[Figures, ResponseTimes, int]:
        """Return what a period comes to, and how many people wrote in it."""
        talks = [talk for talk in self.talks if _is_in(talk.at, talk.bot, period)]
        floods = [wait for wait in self.floods if _is_in(wait["occurred_at"], wait["bot"], period)]
        said = [talk for talk in talks if talk.kind != "command"]
        answers = sum(talk.answered for talk in said)
        figures = Figures(
            conversations=sum(_is_in(place["created_at"], place["bot"], period) for place in self.places),
            messages=len(said),
            answers=answers,
            failures=sum(talk.state == "failed" for talk in talks),
            model_calls=len(talks),
            model_failures=sum(bool(talk.error) for talk in talks),
            prompt_tokens=sum(talk.tokens[0] for talk in talks),
            completion_tokens=sum(talk.tokens[1] for talk in talks),
            cost=sum(talk.cost or 0.0 for talk in talks),
            flood_waits=len(floods),
            flood_seconds=sum(wait["seconds"] for wait in floods),
        )
        times = ResponseTimes()
        for talk in talks:
            if talk.state == "delivered" and talk.kind != "command" and not talk.attempt:
                times.add(talk.took)
        return figures, times, len({talk.user_id for talk in talks})


def _is_in(at: datetime, bot: str, period: Period) -> bool:
    return period.since <= at < period.until and period.bot in {"", bot}


def _turn(talk: Talk) -> dict[str, Any]:
    row = {"id": talk.id, "conversation_id": talk.conversation_id, "user_id": talk.user_id, "kind": talk.kind}
    row |= {"state": talk.state, "reason": "", "attempt": talk.attempt, "reply_to": None, "input": "?"}
    return row | {"created_at": talk.at, "updated_at": talk.at + timedelta(milliseconds=talk.took)}


def _messages(talk: Talk) -> list[dict[str, Any]]:
    row = {"conversation_id": talk.conversation_id, "turn_id": talk.id, "created_at": talk.at}
    roles = ["user", "assistant"] if talk.answered else ["user"]
    return [{**row, "role": role, "content": "…"} for role in roles]


def _call(talk: Talk) -> dict[str, Any]:
    prompt, completion = talk.tokens
    row = {"turn_id": talk.id, "attempt": talk.attempt, "endpoint": "demo", "model": "demo-1"}
    row |= {"prompt_tokens": prompt, "completion_tokens": completion, "cost": talk.cost, "estimated": False}
    row |= {"finish_reason": "stop", "first_token_ms": 1, "total_ms": talk.took, "error": talk.error}
    return row | {"created_at": talk.at}
