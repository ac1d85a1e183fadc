"""What a turn costs in the database: store, open, answer, mark sending, mark sent.

    python -m bench.storage sqlite:////tmp/bench.db --tasks 64 --turns 6000

Prints turns per second, CPU per turn (this process, all threads) and the latency of a whole turn.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

from beseda.domain.conversation import ChatKey, ChatKind, Conversation, Person
from beseda.domain.message import Message, Role
from beseda.domain.turn import Part, PartState, Turn, TurnKind, TurnState
from beseda.domain.update import StoredUpdate
from beseda.domain.usage import ModelCall, Usage
from beseda.kit.ids import new_id
from beseda.storage.sql import migrate
from beseda.storage.sql.conversation import SqlConversationRepository
from beseda.storage.sql.database import Database
from beseda.storage.sql.turn import SqlTurnRepository
from beseda.storage.sql.update import SqlUpdateRepository

_ANSWER = "Столица Франции — Париж, и вот ещё несколько слов, чтобы ответ был обычной длины. " * 5
_CALL = ModelCall("demo", "demo-1", Usage(120, 90, 0.001), "stop", 120, 900)
_numbers = count(1)


async def run_turn(turns: SqlTurnRepository, conversation: Conversation, number: int) -> None:
    """Do the four writes of one turn."""
    turn = Turn(new_id(), conversation, 1, TurnKind.CHAT, (number,), input="Какая столица у Франции?")
    await turns.open(turn, Message(Role.USER, turn.input))
    turn.state, part = TurnState.ANSWERED, Part(0, _ANSWER)
    turn.parts = [part]
    await turns.answer(turn, Message(Role.ASSISTANT, _ANSWER), _CALL)
    await turns.mark_sending(turn, part)
    part.state, part.message_id = PartState.SENT, number
    await turns.mark_sent(turn, part)


async def measure(work: Callable[[int], Awaitable[None]], tasks: int, total: int) -> str:
    """Run `work` `total` times in `tasks` tasks and return a line of figures."""
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
    return f"{done / wall:8.0f}/s  {cpu / done * 1000:6.3f} ms CPU  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url")
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--turns", type=int, default=6000)
    options = parser.parse_args()
    await migrate.upgrade(options.url)
    database = await Database.open(options.url)
    updates, turns = SqlUpdateRepository(database), SqlTurnRepository(database)
    people = SqlConversationRepository(database)
    places = [
        await people.open(ChatKey("bench", chat), ChatKind.PRIVATE, "", Person(chat, "Аня"))
        for chat in range(1, options.tasks + 1)
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

    print("four steps, 1 task     ", await measure(four_steps, 1, 200))
    print(f"four steps, {options.tasks} tasks   ", await measure(four_steps, options.tasks, options.turns))
    print(f"with update, {options.tasks} tasks  ", await measure(with_update, options.tasks, options.turns))
    print("known conversation     ", await measure(known, options.tasks, options.turns))
    print("recent 20              ", await measure(recent, options.tasks, options.turns // 4))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
