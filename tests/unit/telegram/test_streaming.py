"""When an answer in the making is shown: seconds in, steps out."""

import asyncio
import selectors
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from beseda.core.chat import ChatKey, ChatKind
from beseda.core.errors import (
    BesedaError,
    LeaseLostError,
    StorageError,
    TelegramFloodError,
    TelegramForbiddenError,
    TelegramRefusedError,
    TelegramUnavailableError,
)
from beseda.telegram.base import LiveRequest, Target
from beseda.telegram.keyboards import Button
from beseda.telegram.part import Part
from beseda.telegram.sending import Sender
from beseda.telegram.streaming import (
    DRAFTS,
    EDITS,
    GROUP_EDITS,
    DraftedAnswer,
    EditedAnswer,
    LiveStep,
    Pace,
    StreamPlan,
)


def _play(pace: Pace, text_from: float, until: float, *, tick: float = 0.05) -> list[tuple[float, LiveStep]]:
    """Return what is shown when, of an answer that grows at every tick from `text_from` on."""
    plan = StreamPlan(pace, 0.0)
    shown: list[tuple[float, LiveStep]] = []
    for number in range(round(until / tick)):
        now = number * tick
        step = plan.step(now, grown=now >= text_from)
        if step is not LiveStep.NOTHING:
            shown.append((round(now, 2), step))
            plan.shown(step, now)
    return shown


def test_nothing_is_shown_of_an_answer_that_comes_immediately() -> None:
    assert _play(DRAFTS, text_from=0.0, until=0.25) == []


def test_typing_comes_first_then_text_at_most_once_a_second() -> None:
    shown = _play(DRAFTS, text_from=0.3, until=4.0)
    assert shown[0] == (0.25, LiveStep.TYPING)
    texts = [at for at, step in shown if step is LiveStep.TEXT]
    assert texts[0] == 0.5
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(texts))


def test_typing_is_kept_alive_and_a_thinking_draft_offers_to_stop() -> None:
    shown = _play(DRAFTS, text_from=60.0, until=30.0)
    typing = [at for at, step in shown if step is LiveStep.TYPING]
    thinking = [at for at, step in shown if step is LiveStep.THINKING]
    assert all(later - earlier < 5 for earlier, later in pairwise(typing))
    assert thinking == [1.5, 21.5]


def test_draft_that_does_not_grow_is_renewed_before_it_vanishes() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.shown(LiveStep.TEXT, 1.0)
    assert plan.step(20.0, grown=False) is LiveStep.NOTHING
    assert plan.step(21.0, grown=False) is LiveStep.TEXT


def test_group_is_edited_every_three_seconds() -> None:
    texts = [at for at, step in _play(GROUP_EDITS, text_from=0.0, until=10.0) if step is LiveStep.TEXT]
    assert texts == [1.0, 4.0, 7.0]


def test_flood_control_puts_everything_off() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.put_off(30.0)
    assert plan.step(29.0, grown=True) is LiveStep.NOTHING
    assert plan.step(30.0, grown=True) is LiveStep.TEXT


def test_paces_are_those_that_telegram_takes() -> None:
    assert _play(DRAFTS, text_from=60.0, until=10.0, tick=0.125) == [
        (0.25, LiveStep.TYPING),
        (1.5, LiveStep.THINKING),
        (4.75, LiveStep.TYPING),
        (9.25, LiveStep.TYPING),
    ]
    assert _play(DRAFTS, text_from=0.0, until=2.75, tick=0.125) == [
        (0.25, LiveStep.TYPING),
        (0.5, LiveStep.TEXT),
        (1.5, LiveStep.TEXT),
        (2.5, LiveStep.TEXT),
    ]
    assert _play(EDITS, text_from=2.0, until=4.25, tick=0.125) == [
        (0.25, LiveStep.TYPING),
        (2.0, LiveStep.TEXT),
        (3.0, LiveStep.TEXT),
        (4.0, LiveStep.TEXT),
    ]


def test_message_in_a_chat_is_not_edited_without_new_text() -> None:
    plan = StreamPlan(EDITS, 0.0)
    plan.shown(LiveStep.TEXT, 1.0)
    assert plan.step(5000.0, grown=False) is LiveStep.NOTHING
    assert plan.look_again(5000.0) == 5060.0


def test_text_after_a_thinking_draft_waits_half_as_long() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.shown(LiveStep.TYPING, 0.25)
    plan.shown(LiveStep.THINKING, 1.5)
    assert plan.text_due() == 2.0
    assert plan.step(1.875, grown=True) is LiveStep.NOTHING
    assert plan.step(2.0, grown=True) is LiveStep.TEXT


def test_next_look_is_at_the_earliest_thing_that_is_still_to_come() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    assert [plan.look_again(now) for now in (0.0, 0.25, 0.5, 1.5)] == [0.25, 0.5, 1.5, 61.5]


def test_delayed_edit_is_never_moved_forward() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.put_off(0.125)
    assert [plan.look_again(now) for now in (0.0, 0.25, 0.5)] == [0.25, 0.5, 1.5]
    plan.put_off(30.0)
    assert [plan.step(now, grown=False) for now in (29.0, 30.0)] == [LiveStep.NOTHING, LiveStep.THINKING]
    group = StreamPlan(GROUP_EDITS, 0.0)
    group.put_off(30.0)
    assert [group.step(now, grown=False) for now in (29.0, 30.0)] == [LiveStep.NOTHING, LiveStep.TYPING]


class _SkippingSelector(selectors.DefaultSelector):
    """Passes the time until the next timer without waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class _SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _SkippingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


@dataclass
class _Words:
    text: str = ""


class _Chat(Sender):
    """A sender that records when each call begins, takes `seconds` for it, and fails as `errors` prescribes."""

    def __init__(
        self, seconds: float = 0.0, errors: Sequence[BesedaError | None] = (), *, typing_seconds: float = 0.0
    ) -> None:
        self.calls: list[tuple[float, str]] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.floods: list[tuple[Target, TelegramFloodError]] = []
        self.without_drafts: list[int | None] = []
        self.markups: list[str] = []
        self.due = 0.0
        self._seconds, self._typing_seconds, self._errors = seconds, typing_seconds, deque(errors)

    def due_in(self, target: Target) -> float:
        return self.due if target.chat == CHAT else 1000.0

    async def show_typing(self, target: Target) -> None:
        await self._take("typing")

    async def show_draft(self, target: Target, draft_id: int, markdown: str) -> None:
        await self._take(f"draft {draft_id}: {markdown}")

    async def show_text(self, request: LiveRequest, markdown: str, markup: str) -> None:
        self.markups.append(markup)
        await self._take(f"message: {markdown}")

    async def obey_flood(self, target: Target, error: TelegramFloodError) -> None:
        self.floods.append((target, error))
        self.due = error.retry_after or 0.0

    def refuse_drafts(self, chat_id: int | None) -> None:
        self.without_drafts.append(chat_id)

    async def _take(self, call: str) -> None:
        self.calls.append((round(asyncio.get_running_loop().time(), 3), call))
        try:
            await asyncio.sleep(self._typing_seconds if call == "typing" else self._seconds)
        except asyncio.CancelledError:
            self.cancelled.append(call)
            raise
        if self._errors and (error := self._errors.popleft()) is not None:
            raise error
        self.ended.append(call)


CHAT = ChatKey("assistant", 7)
STOP = Button("Stop", "stop:1")


async def _record(_: Part) -> None:
    raise AssertionError("nothing is sent here")


def _request(words: _Words, kind: ChatKind = ChatKind.PRIVATE) -> LiveRequest:
    return LiveRequest(Target(CHAT, kind), words, 5, Part(0, ""), _record, STOP)


def _run(main: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
        runner.run(main)


def test_answer_in_a_private_chat_is_typing_then_a_draft_that_grows() -> None:
    chat, words = _Chat(), _Words()

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(words))
        for moment, text in ((0.375, "Hel"), (0.625, "Hello"), (1.25, "Hello the"), (1.75, "Hello there")):
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            words.text = text
            answer.touch()
        await asyncio.sleep(25)
        await answer.settle()
        await asyncio.sleep(100)

    _run(main())
    assert chat.calls == [
        (0.25, "typing"),
        (0.5, "draft 5: Hel"),
        (1.5, "draft 5: Hello the"),
        (2.5, "draft 5: Hello there"),
        (22.5, "draft 5: Hello there"),
    ]


def test_new_text_is_shown_immediately_after_enough_time() -> None:
    chat, words = _Chat(), _Words()

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(words))
        await asyncio.sleep(2.5)
        for text in ("One", "One two"):
            words.text = text
            answer.touch()
            await asyncio.sleep(0.125)
        await asyncio.sleep(2.0)
        words.text = "One two three"
        answer.touch()
        await asyncio.sleep(0.125)
        await answer.settle()

    _run(main())
    assert chat.calls == [
        (0.25, "typing"),
        (1.5, "draft 5: "),
        (2.5, "draft 5: One"),
        (3.5, "draft 5: One two"),
        (4.75, "draft 5: One two three"),
    ]


def test_one_call_at_a_time_however_often_the_text_grows() -> None:
    chat, words = _Chat(0.75, typing_seconds=0.75), _Words("Hello")

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(words))
        for _ in range(16):
            answer.touch()
            await asyncio.sleep(0.125)
        await answer.settle()

    _run(main())
    assert chat.calls == [(0.25, "typing"), (1.0, "draft 5: Hello")]
    assert chat.ended == ["typing", "draft 5: Hello"]


@pytest.mark.parametrize(
    ("kind", "times"), [(ChatKind.PRIVATE, [0.5, 1.5, 2.5, 3.5]), (ChatKind.SUPERGROUP, [1.0, 4.0])]
)
def test_message_with_a_stop_button_is_edited(kind: ChatKind, times: list[float]) -> None:
    chat, words = _Chat(), _Words("a")

    async def main() -> None:
        answer = EditedAnswer(chat, _request(words, kind))
        for _ in range(32):
            answer.touch()
            await asyncio.sleep(0.125)
            words.text += "a"
        await answer.settle()

    _run(main())
    assert chat.calls[0] == (0.25, "typing")
    assert [at for at, _ in chat.calls[1:]] == times
    assert all(call.startswith("message: a") for _, call in chat.calls[1:])
    assert set(chat.markups) == {'{"inline_keyboard":[[{"text":"Stop","callback_data":"stop:1"}]]}'}


@pytest.mark.parametrize(
    ("seconds", "settled", "ended"),
    [(1.0, 1.5, ["message: Hello"]), (3.25, 3.75, ["message: Hello"]), (3.625, 4.0, [])],
)
def test_message_under_way_gets_three_seconds_at_the_end(seconds: float, settled: float, ended: list[str]) -> None:
    chat, words = _Chat(seconds), _Words("Hello")

    async def main() -> None:
        answer = EditedAnswer(chat, _request(words))
        await asyncio.sleep(1.0)
        await answer.settle()
        assert asyncio.get_running_loop().time() == settled
        assert chat.cancelled == ([] if ended else ["message: Hello"])
        await asyncio.sleep(100)

    _run(main())
    assert chat.calls == [(0.25, "typing"), (0.5, "message: Hello")]
    assert chat.ended == ["typing", *ended]


@pytest.mark.parametrize("kind", [DraftedAnswer, EditedAnswer])
def test_typing_under_way_is_given_up_at_the_end(kind: type[DraftedAnswer] | type[EditedAnswer]) -> None:
    chat = _Chat(typing_seconds=10.0)

    async def main() -> None:
        answer = kind(chat, _request(_Words()))
        await asyncio.sleep(1.0)
        await answer.settle()
        assert asyncio.get_running_loop().time() == 1.0
        answer.touch()
        await asyncio.sleep(100)

    _run(main())
    assert (chat.calls, chat.ended) == ([(0.25, "typing")], [])


def test_draft_under_way_is_given_up_at_the_end() -> None:
    chat = _Chat(seconds=0.25)

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(_Words("Hello")))
        await asyncio.sleep(0.625)
        await answer.settle()
        assert asyncio.get_running_loop().time() == 0.625

    _run(main())
    assert (chat.calls, chat.ended) == ([(0.25, "typing"), (0.5, "draft 5: Hello")], ["typing"])


def test_text_that_did_not_arrive_is_shown_again() -> None:
    chat = _Chat(
        errors=[None, TelegramUnavailableError(description="down"), StorageError("away"), LeaseLostError("another's")]
    )

    async def main() -> None:
        answer = EditedAnswer(chat, _request(_Words("Hello")))
        await asyncio.sleep(10)
        await answer.settle()

    _run(main())
    assert [at for at, _ in chat.calls] == [0.25, 0.5, 1.5, 2.5, 3.5]
    assert chat.ended == ["typing", "message: Hello"]
    assert chat.floods == []


@pytest.mark.parametrize("kind", [DraftedAnswer, EditedAnswer])
def test_flood_wait_is_obeyed(kind: type[DraftedAnswer] | type[EditedAnswer], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "beseda.telegram.streaming")
    flood = TelegramFloodError(code=429, retry_after=30.0)
    chat, words = _Chat(errors=[None, flood]), _Words("Hello")

    async def main() -> None:
        answer = kind(chat, _request(words))
        await asyncio.sleep(32)
        await answer.settle()

    _run(main())
    assert chat.floods == [(Target(CHAT, ChatKind.PRIVATE), flood)]
    assert [at for at, _ in chat.calls] == [0.25, 0.5, 30.5]
    assert [record.getMessage() for record in caplog.records] == ["TEXT was not shown: 429"]


def test_nothing_is_shown_after_the_end_whatever_was_looked_for_before() -> None:
    chat, words = _Chat(), _Words("Hello")

    async def main() -> None:
        answer = EditedAnswer(chat, _request(words))
        await asyncio.sleep(2.0)
        answer.touch()  # nothing new
        await answer.settle()
        words.text = "Hello there"
        answer.touch()
        await asyncio.sleep(100)

    _run(main())
    assert chat.calls == [(0.25, "typing"), (0.5, "message: Hello")]


def test_nothing_more_is_shown_to_a_person_who_blocked_the_bot() -> None:
    chat = _Chat(errors=[TelegramForbiddenError(description="blocked")])

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(_Words("Hello")))
        await asyncio.sleep(100)
        answer.touch()
        await answer.settle()

    _run(main())
    assert chat.calls == [(0.25, "typing")]


REFUSALS = [
    (TelegramRefusedError("sendMessageDraft", 400, "drafts are not supported"), [7]),
    (TelegramRefusedError("sendMessageDraft", 404, "Not Found"), [None]),
]


@pytest.mark.parametrize(("refused", "told"), REFUSALS)
def test_answer_with_a_refused_draft_goes_on_as_a_message(
    refused: TelegramRefusedError, told: list[int | None]
) -> None:
    chat = _Chat(seconds=0.25, errors=[None, refused])
    text = _Words("Hello")

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(text))
        await asyncio.sleep(1.25)
        text.text = "Hello there"
        answer.touch()
        await asyncio.sleep(0.75)  # the message under way gets its time at the end
        text.text = "Hello there, Anna"
        await answer.settle()

    _run(main())
    assert chat.without_drafts == told
    assert chat.calls == [
        (0.25, "typing"),
        (0.5, "draft 5: Hello"),
        (0.75, "message: Hello"),
        (2.0, "message: Hello there"),
    ]
    assert chat.ended[-1] == "message: Hello there"


@pytest.mark.parametrize(("refused", "told"), REFUSALS)
def test_thinking_with_a_refused_draft_is_typing(refused: TelegramRefusedError, told: list[int | None]) -> None:
    chat = _Chat(errors=[None, refused])

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(_Words()))
        await asyncio.sleep(12)
        answer.touch()
        await answer.settle()

    _run(main())
    assert chat.without_drafts == told
    assert chat.calls == [(0.25, "typing"), (1.5, "draft 5: "), (1.75, "typing"), (6.25, "typing"), (10.75, "typing")]


@pytest.mark.parametrize(
    "errors",
    [
        [TelegramRefusedError("sendMessageDraft", 404, "Not Found")],  # of typing
        [None, TelegramRefusedError("sendMessageDraft", 400, "can't parse entities")],
        [None, TelegramUnavailableError("sendMessageDraft", 404, "Not Found")],
    ],
)
def test_other_failures_do_not_end_the_drafts(errors: list[BesedaError | None]) -> None:
    chat = _Chat(errors=errors)

    async def main() -> None:
        answer = DraftedAnswer(chat, _request(_Words("Hello")))
        await asyncio.sleep(4)
        await answer.settle()

    _run(main())
    assert chat.without_drafts == []
    assert chat.ended[-1] == "draft 5: Hello"
