import orjson

from botapi_sandbox.event_log import MAX_BEHIND, EventLog, Subscription


async def read(log: EventLog, subscription: Subscription) -> list[int]:
    """Take what is there already."""
    numbers = []
    async for event in log.follow(subscription, pause_seconds=0):
        if event is None:
            break
        numbers.append(orjson.loads(event[1])["n"])
    return numbers


async def test_reader_gets_its_dialog_only() -> None:
    log = EventLog(kept=10)
    one, everything = log.subscribe("a", None), log.subscribe(None, None)
    for number, dialog in enumerate(("a", "b", None)):
        log.publish(dialog, "message", n=number)
    assert await read(log, one) == [0]
    assert await read(log, everything) == [0, 1, 2]


async def test_reader_that_comes_back_gets_the_missed_messages() -> None:
    log = EventLog(kept=3)
    start = log.seq
    for number in range(5):
        log.publish("a", "message", n=number)
    assert await read(log, log.subscribe("a", start + 3)) == [3, 4]
    assert await read(log, log.subscribe("a", start)) == [2, 3, 4]
    assert await read(log, log.subscribe("a", None)) == []


async def test_reader_that_falls_behind_is_let_go() -> None:
    log = EventLog(kept=1)
    slow = log.subscribe(None, None)
    for number in range(MAX_BEHIND + 10):
        log.publish("a", "message", n=number)
    assert len(slow.waiting) == MAX_BEHIND
    assert slow.closed


async def test_closing_ends_the_stream() -> None:
    log = EventLog(kept=1)
    subscription = log.subscribe(None, None)
    log.close()
    assert [event async for event in log.follow(subscription, pause_seconds=60)] == []


def test_numbers_rise_over_restarts() -> None:
    assert EventLog(kept=1).seq > 1_700_000_000_000
