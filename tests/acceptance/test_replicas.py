"""Several replicas of one bot: order in a chat, nothing lost, nothing answered twice, whatever happens to one."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from beseda.engine.updates.model import PARTITIONS, partition_of
from botapi_sandbox import SandboxUser
from tests.acceptance.program import Program
from tests.acceptance.replicas import Replicas, find_parts, open_replicas
from tests.parts.postgres import PostgresServer
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def replicas(
    beseda: Program, postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> AsyncIterator[Replicas]:
    async with asyncio.timeout(60), open_replicas(beseda, postgres.create_database(), redis.url, tmp_path) as replicas:
        yield replicas


async def test_order_is_kept_while_calls_go_to_both_by_turns(replicas: Replicas) -> None:
    await replicas.start()
    await replicas.say("alone.")
    await replicas.start()
    for number in range(8):
        await replicas.say(f"number {number}, wait 0.05")
    await replicas.wait_until_answered()
    await replicas.check()
    assert all(count >= 30 for count in replicas.balancer.taken.values()), replicas.balancer.taken
    assert len(replicas.model.asked) == 9 * len(replicas.people)


async def test_replica_killed_in_mid_answer_is_taken_over(replicas: Replicas) -> None:
    first, second = await replicas.start(), await replicas.start()
    await replicas.say("before.")
    await replicas.wait_until_answered()
    await replicas.say("long, wait 3")
    await replicas.say("after it.")
    await eventually(lambda: _are_asked(replicas, 2))
    await replicas.stop(first, signal.SIGKILL)
    await replicas.wait_until_answered()
    await replicas.check()
    assert await replicas.stop(second) == 0


async def test_replica_killed_while_it_waits_for_the_rest_of_a_message_loses_none_of_it(
    beseda: Program, postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    database = postgres.create_database()
    async with asyncio.timeout(60), open_replicas(beseda, database, redis.url, tmp_path) as replicas:
        first = await replicas.start()
        await replicas.start()
        await eventually(lambda: _has_half(database, first.process.pid))
        await _forward(replicas, "one")
        await eventually(lambda: _are_taken(replicas, 1))
        orphans = await find_parts(database, first.process.pid)
        await replicas.stop(first, signal.SIGKILL)
        was_early = not replicas.model.asked
        await _forward(replicas, "two")
        answers = [await _wait_for_both(replicas, person) for person in replicas.people]
        assert all("\n".join(texts).replace("re: ", "") == "> X: one\nX: two" for texts in answers), answers
        for person, texts in zip(replicas.people, answers, strict=True):
            if was_early and partition_of(person.user_id) in orphans:
                assert texts == ["re: > X: one\nX: two"]


async def test_rolling_restart_loses_nothing_and_doubles_nothing(replicas: Replicas) -> None:
    olds = [await replicas.start(), await replicas.start()]
    talk = asyncio.create_task(_talk(replicas, 12))
    for old in olds:
        await replicas.start()
        assert await replicas.stop(old) == 0
    await talk
    await replicas.wait_until_answered()
    await replicas.check()
    assert len(replicas.model.asked) == 12 * len(replicas.people), "an answer was begun twice"


async def test_replica_that_stood_still_doubles_nothing(replicas: Replicas) -> None:
    first = await replicas.start()
    await replicas.start()
    await replicas.say("before.")
    await replicas.wait_until_answered()
    await replicas.say("long, wait 1")
    await eventually(lambda: _are_asked(replicas, 2))
    first.process.send_signal(signal.SIGSTOP)
    await replicas.say("while it stands.")
    await replicas.wait_until_answered()  # for half of the people by whoever has taken over
    first.process.send_signal(signal.SIGCONT)
    await replicas.say("afterwards.")
    await replicas.wait_until_answered()
    await replicas.check()


async def test_redis_restarted_loses_nothing(replicas: Replicas, redis: RedisServer) -> None:
    await replicas.start()
    await replicas.start()
    await replicas.say("before.")
    await replicas.wait_until_answered()
    redis.stop()
    await replicas.say("without Redis.")
    await replicas.wait_until_answered()
    redis.start()
    await replicas.say("with Redis again.")
    await replicas.wait_until_answered()
    await replicas.check()


async def test_database_restarted_loses_nothing_and_doubles_nothing(
    replicas: Replicas, postgres: PostgresServer
) -> None:
    await replicas.start()
    await replicas.start()
    await replicas.say("before.")
    await replicas.wait_until_answered()
    await replicas.say("meanwhile, wait 1")
    await eventually(lambda: _are_asked(replicas, 2))
    await asyncio.to_thread(postgres.stop)
    await replicas.say("without a database.")
    await asyncio.to_thread(postgres.start)
    await replicas.wait_until_answered()
    await replicas.say("afterwards.")
    await replicas.wait_until_answered()
    await replicas.check()


async def test_two_pollers_on_one_database_answer_once(beseda: Program, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/beseda.db"
    async with asyncio.timeout(60), open_replicas(beseda, database, None, tmp_path) as replicas:
        first = await replicas.start(webhook=False)
        await replicas.say("alone.")
        second = await replicas.start(webhook=False)
        await replicas.say("with another.")
        await replicas.say("long, wait 1")
        await replicas.wait_until_answered()
        await replicas.stop(first, signal.SIGKILL)
        await replicas.say("with one killed.")
        await replicas.wait_until_answered()
        await replicas.check()
        assert await replicas.stop(second) == 0


async def _talk(replicas: Replicas, rounds: int) -> None:
    for number in range(rounds):
        await replicas.say(f"number {number}, wait 0.3")
        await replicas.wait_until_answered()


async def _are_asked(replicas: Replicas, times: int) -> bool:
    return len(replicas.model.asked) >= times * len(replicas.people)


async def _forward(replicas: Replicas, text: str) -> None:
    """Have everybody forward something: more of it may follow."""
    await asyncio.gather(*(person.say(text, forward_from={"first_name": "X"}) for person in replicas.people))


async def _are_taken(replicas: Replicas, times: int) -> bool:
    return sum(replicas.balancer.taken.values()) >= times * len(replicas.people)


async def _has_half(database: str, number: int) -> bool:
    return len(await find_parts(database, number)) == PARTITIONS // 2


async def _wait_for_both(replicas: Replicas, person: SandboxUser) -> list[str]:
    async def are_there() -> bool:
        return "two" in "".join(await replicas.answers(person))

    await eventually(are_there, within=60)
    return await replicas.answers(person)
