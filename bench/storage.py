"""What a turn costs in the database: store, open, answer, mark sending, mark sent.

    python -m bench.storage sqlite:///bench.db --tasks 64 --turns 6000

Prints turns per second, CPU per turn (this process, all threads) and the latency of a whole turn.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count

from bench.report import Row, Section
from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.usage import ModelCall, Usage
from beseda.db import migrate
from beseda.db.database import Database, Synchronous
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from beseda.telegram.part import Part, PartState

_ANSWER = "Столица Франции — Париж, и вот ещё несколько слов, чтобы ответ был обычной длины. " * 5
_CALL = ModelCall("demo", "demo-1", Usage(120, 90, 0.001), "stop", 120, 900)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast something goes: CPU and latencies in ms."""

    rate: float
    cpu: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:8.0f}/s  {self.cpu:6.3f} ms CPU  p50 {self.p50:6.2f} ms  p99 {self.p99:6.2f} ms"


async def run_turn(turns: TurnRepository, conversation: Conversation, number: int) -> None:
    """Do the four writes of one turn."""
    turn = Turn(new_id(), conversation, 1, TurnKind.CHAT, (number,), input="Какая столица у Франции?")
    await turns.open(turn, Message(Role.USER, turn.input))
    turn.state, part = TurnState.ANSWERED, Part(0, _ANSWER)
    turn.parts = [part]
    await turns.answer(turn, Message(Role.ASSISTANT, _ANSWER), _CALL)
    await turns.mark_sending(turn, part)
    part.state, part.message_id = PartState.SENT, number
    await turns.mark_sent(turn, part)


async def measure(work: Callable[[int], Awaitable[None]], tasks: int, total: int) -> Speed:
    """Run `work` `total` times in `tasks` tasks and return how fast that went."""
    latencies: list[float] = []

    async def loop(index: int) -> None:
        for _ in range(total // tasks):
            started = time.perf_counter()
            await work(index)
            latencies.append(time.perf_counter() - started)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(loop(index) for index in range(tasks)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    latencies.sort()
    done = len(latencies)
    p50, p99 = latencies[done // 2] * 1000, latencies[done * 99 // 100] * 1000
    return Speed(done / wall, cpu / done * 1000, p50, p99)


async def measure_all(url: str, tasks: int, turns_wanted: int) -> dict[str, Speed]:
    """Measure every kind of work on the database at `url`, which is made where there is none."""
    await migrate.upgrade(url)
    database = await Database.open(url)
    updates, turns = UpdateRepository(database), TurnRepository(database)
    people = ConversationRepository(database)
    places = [
        await people.open(ChatKey("bench", chat), ChatKind.PRIVATE, "", Person(chat, "Аня"))
        for chat in range(1, tasks + 1)
    ]

    async def four_steps(index: int) -> None:
        await run_turn(turns, places[index], next(_numbers))

    async def with_update(index: int) -> None:
        number = next(_numbers)
        await updates.store([StoredUpdate("bench", number, b"{}" * 200)])
        await run_turn(turns, places[index], number)

    async def known(index: int) -> None:
        await people.open(places[index].key, ChatKind.PRIVATE, "", Person(index + 1, "Аня"))

    async def recent(index: int) -> None:
        await people.recent(places[index], 20)

    speeds = {
        "four steps, 1 task": await measure(four_steps, 1, 200),
        f"four steps, {tasks} tasks": await measure(four_steps, tasks, turns_wanted),
        f"with update, {tasks} tasks": await measure(with_update, tasks, turns_wanted),
        "known conversation": await measure(known, tasks, turns_wanted),
        "recent 20": await measure(recent, tasks, turns_wanted // 4),
    }
    await database.close()
    return speeds


async def measure_turns(database: Database, *, tasks: int, seconds: float) -> float:
    """Return how long a turn takes in the database, with its update and its window, at the 95th percentile in ms."""
    updates, turns = UpdateRepository(database), TurnRepository(database)
    people = ConversationRepository(database)
    ends, took = time.perf_counter() + seconds, list[float]()

    async def work(chat: int) -> None:
        place = await people.open(ChatKey("bench", chat), ChatKind.PRIVATE, "", Person(chat, "Аня"))
        while time.perf_counter() < ends:
            begun, number = time.perf_counter(), next(_numbers)
            await updates.store([StoredUpdate("bench", number, b"{}" * 200)])
            await people.recent(place, 20)
            await run_turn(turns, place, number)
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(work(chat) for chat in range(1, tasks + 1)))
    return sorted(took)[len(took) * 95 // 100] * 1000


async def _measure_synchronous(url: str, synchronous: Synchronous, tasks: int, turns_wanted: int) -> Speed:
    """Measure a turn with its update, by what of it waits for the disk."""
    database = await Database.open(url, synchronous=synchronous)
    updates, turns = UpdateRepository(database), TurnRepository(database)
    people = ConversationRepository(database)
    places = [
        await people.open(ChatKey("bench", chat), ChatKind.PRIVATE, "", Person(chat, "Аня"))
        for chat in range(1, tasks + 1)
    ]

    async def work(index: int) -> None:
        number = next(_numbers)
        await updates.store([StoredUpdate("bench", number, b"{}" * 200)])
        await run_turn(turns, places[index], number)

    speed = await measure(work, tasks, turns_wanted)
    await database.close()
    return speed


async def measure_section(url: str, *, tasks: int = 64, turns: int = 3000) -> Section:
    """Measure the database alone; the reference is one task, which has no others to share a transaction with."""
    speeds = await measure_all(url, tasks, turns)
    alone = speeds["four steps, 1 task"]
    whole = speeds[f"with update, {tasks} tasks"]
    waits: dict[str, Synchronous] = {"nothing": "NORMAL", "what Telegram may drop": "RECEIVED", "all": "FULL"}
    durable = {name: await _measure_synchronous(url, mode, tasks, turns // 2) for name, mode in waits.items()}
    lone = {name: await _measure_synchronous(url, mode, 1, 200) for name, mode in waits.items()}
    free = durable["nothing"]
    rows = [
        Row(f"turns per second, {tasks} at once", "", whole.rate, alone.rate),
        Row("CPU for a turn", "ms", whole.cpu, alone.cpu),
        Row("a turn's five writes p50", "ms", whole.p50),
        Row("a turn's five writes p99", "ms", whole.p99),
        Row("reads of 20 messages per second", "", speeds["recent 20"].rate),
        *(Row(f"{name} waits for the disk: turns per second", "", durable[name].rate, free.rate) for name in waits),
        *(
            Row(f"{name} waits for the disk: a lone turn p50", "ms", lone[name].p50, lone["nothing"].p50)
            for name in waits
        ),
    ]
    return Section("Storage", "SQLite, the record alone; reference: one turn at a time", rows)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url")
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--turns", type=int, default=6000)
    options = parser.parse_args()
    for name, speed in (await measure_all(options.url, options.tasks, options.turns)).items():
        print(f"{name:24}", speed)


if __name__ == "__main__":
    asyncio.run(main())
