import asyncio

from beseda.llm._answer import Watchdog


async def test_wait_beyond_its_deadline_expires() -> None:
    expired = asyncio.Event()
    dog = Watchdog(expired.set)
    dog.start(asyncio.get_running_loop().time() + 0.01)
    async with asyncio.timeout(30):
        await expired.wait()

    assert dog.expired


async def test_time_between_two_waits_does_not_count() -> None:
    loop, later = asyncio.get_running_loop(), asyncio.Event()
    dog = Watchdog(lambda: None)
    dog.start(loop.time() + 0.01)
    dog.pause()
    loop.call_later(0.05, later.set)
    await later.wait()

    assert not dog.expired


async def test_moved_deadline_is_kept() -> None:
    loop, expired = asyncio.get_running_loop(), asyncio.Event()
    dog = Watchdog(expired.set)
    started = loop.time()
    dog.start(started + 0.01)
    dog.pause()
    dog.start(started + 0.06)
    async with asyncio.timeout(30):
        await expired.wait()

    assert loop.time() - started >= 0.05


async def test_earlier_deadline_is_kept() -> None:
    loop, expired = asyncio.get_running_loop(), asyncio.Event()
    dog = Watchdog(expired.set)
    dog.start(loop.time() + 60)
    dog.start(loop.time() + 0.01)
    async with asyncio.timeout(30):
        await expired.wait()


async def test_stop_frees_the_timer() -> None:
    expired, later = asyncio.Event(), asyncio.Event()
    dog = Watchdog(expired.set)
    dog.start(asyncio.get_running_loop().time() + 0.01)
    dog.stop()
    asyncio.get_running_loop().call_later(0.05, later.set)
    await later.wait()

    assert not expired.is_set()
