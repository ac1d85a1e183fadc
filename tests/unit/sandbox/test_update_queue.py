import time
from pathlib import Path

import pytest

from botapi_sandbox.id_sequence import IdLedger, PersistentIdSequence
from botapi_sandbox.update_queue import UpdateQueue


@pytest.fixture
def queue(tmp_path: Path) -> UpdateQueue:
    return UpdateQueue(PersistentIdSequence(IdLedger(tmp_path)), kept=5, hold_seconds=0)


async def test_queue_is_bounded_and_drops_the_oldest(queue: UpdateQueue) -> None:
    for number in range(8):
        queue.push("message", number)
    assert [update["message"] for update in await queue.poll(0, 100, 0)] == [3, 4, 5, 6, 7]


async def test_kinds_not_asked_for_get_no_id(queue: UpdateQueue) -> None:
    assert queue.push("chat_member", {}) is None
    queue.set_allowed(["chat_member"])
    assert queue.push("chat_member", {}) is not None
    assert queue.push("message", {}) is None


async def test_closed_queue_answers_immediately(queue: UpdateQueue) -> None:
    queue.close()
    assert await queue.poll(0, 100, 50) == []


def test_ids_go_on_above_the_reserved_ones(tmp_path: Path) -> None:
    first = PersistentIdSequence(IdLedger(tmp_path))
    taken = [first.take() for _ in range(25_000)]
    assert PersistentIdSequence(IdLedger(tmp_path)).take() > taken[-1]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[]", b'{"reserved": "x"}'])
def test_damaged_ledger_falls_back_to_the_clock(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ids.json").write_bytes(content)
    assert IdLedger(tmp_path).start > 0


async def test_a_press_is_kept_for_150_seconds_and_a_message_for_a_day(
    queue: UpdateQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.push("message", 1)
    queue.push("callback_query", 2)
    now = time.time()
    for seconds, left in ((149, 2), (151, 1), (86_399, 1), (86_401, 0)):
        monkeypatch.setattr(time, "time", lambda at=now + seconds: at)
        assert len(await queue.poll(0, 100, 0)) == left
