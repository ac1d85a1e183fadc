"""Several models on one question, side by side. All are asked concurrently, and one that fails does not stop the
others.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import typer

from beseda.cli.answer import Answer, fill_answer, format_cost, put_in_line
from beseda.cli.redraw import RedrawThrottle
from beseda.core.clock import Clock
from beseda.core.errors import BesedaError, KeyRejectedError, SettingsError
from beseda.core.logs import scrub
from beseda.locales import Text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from beseda.http.client import HttpClient
    from beseda.llm.base import ChatModel, ModelEvent, ModelHealth, ModelRequest
    from beseda.llm.registry import LLMSettings

THREE = ("hf:deepseek", "hf:llama3", "hf:qwen2")
_NARROWEST = 28  # characters: in a narrower column most lines of an answer break after three words
_HEADS = (
    Text("compare.heads.model"),
    Text("compare.heads.first"),
    Text("compare.heads.total"),
    Text("compare.heads.speed"),
    Text("compare.heads.prompt"),
    Text("compare.heads.completion"),
    Text("compare.heads.cost"),
)
_SECONDS = Text("compare.seconds")
_FAILED = Text("compare.failed")
_FASTEST = Text("compare.fastest")
_CHEAPEST = Text("compare.cheapest")
_NO_PRICES = Text("compare.no_prices")


@dataclass(frozen=True, slots=True)
class Compared:
    """All answers, including failed ones (`error` holds the reason), and the total time in seconds."""

    answers: Sequence[Answer]
    seconds: float

    @property
    def whole(self) -> list[Answer]:
        """The answers that came to their end."""
        return [answer for answer in self.answers if answer.end is not None and not answer.error]

    @property
    def fastest(self) -> Answer | None:
        return min(self.whole, key=lambda answer: answer.total, default=None)

    @property
    def cheapest(self) -> Answer | None:
        """The complete answer with the lowest cost, among the endpoints that report a cost."""
        priced = [answer for answer in self.whole if answer.usage.cost is not None]
        return min(priced, key=lambda answer: answer.usage.cost or 0.0, default=None)


class Board:
    """Display of answers that are streamed concurrently; a context manager. This one shows nothing: for programs."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, index: int, piece: str) -> None:
        """Take a piece of one answer, which the answer already holds."""

    def retract(self, index: int) -> None:
        """Take that all of one answer so far was reasoning."""

    def finish(self, index: int) -> None:
        """Note that one answer is whole, or has failed."""


async def compare_models(
    models: "Sequence[ChatModel]",
    request: "ModelRequest",
    clock: Clock,
    open_board: Callable[[Sequence[Answer]], Board],
) -> Compared:
    """Ask all models concurrently. The error of a model is stored in its answer. Cancelling stops all of them."""
    started = clock.monotonic()
    answers = [Answer(model.name, started) for model in models]
    with open_board(answers) as board:

        async def run(index: int, model: "ChatModel") -> None:
            try:
                await fill_answer(answers[index], model, request, clock, _Column(board, index))
            except BesedaError as error:
                answers[index].error = put_in_line(scrub(str(error)))
            board.finish(index)

        tasks = [asyncio.create_task(run(index, model)) for index, model in enumerate(models)]
        try:
            await asyncio.gather(*tasks)
        finally:  # Ctrl-C, or a screen that nobody reads any more: one error, not a group of them
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return Compared(answers, clock.monotonic() - started)


class _Column:
    """One model's part of a board."""

    def __init__(self, board: Board, index: int) -> None:
        self._board = board
        self._index = index

    def show(self, piece: str) -> None:
        self._board.show(self._index, piece)

    def retract(self) -> None:
        self._board.retract(self._index)

    def wait(self, ahead: int) -> None:
        """Do nothing: the column stays empty while the model waits."""


def build_contenders(
    specs: Sequence[str], settings: "LLMSettings", clock: Clock, http: "HttpClient"
) -> "list[ChatModel]":
    """Return a model for each of `specs`. A model without a key fails with that reason when it is asked.

    Requests are not retried, because a second attempt would falsify the times. Raises SettingsError for fewer than two
    models, and for an endpoint that does not exist.
    """
    from dataclasses import replace

    from beseda.llm.base import ObservedModel
    from beseda.llm.failover import RetryPolicy
    from beseda.llm.fitting import ContextFitting
    from beseda.llm.registry import build_model, parse_spec

    if len(specs) < 2:
        raise SettingsError("--compare takes two models or more, with commas between")
    parse_spec(specs, settings)
    once = replace(settings, retries=RetryPolicy(attempts=1))
    contenders: list[ChatModel] = []
    for spec in specs:
        try:
            contenders.append(ObservedModel(build_model(spec, once, clock, http), ContextFitting))
        except SettingsError as error:
            contenders.append(_MissingModel(spec, error.detail))
    return contenders


class _MissingModel:
    """Stands in the row of a model that is not set up."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    async def stream(self, request: "ModelRequest") -> "AsyncGenerator[ModelEvent, None]":
        nothing: tuple[ModelEvent, ...] = ()
        for event in nothing:
            yield event
        raise KeyRejectedError(self._reason)

    async def check(self) -> "ModelHealth":
        from beseda.llm.base import ModelHealth

        return ModelHealth(ok=False, detail=self._reason)

    async def close(self) -> None:
        """Nothing is open."""


def open_board(answers: Sequence[Answer]) -> Board:
    """Return columns if the terminal is wide enough for them, else a board that shows one answer after the other."""
    if not sys.stdout.isatty():
        return SequentialBoard(answers)
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    wide = console.width >= _NARROWEST * len(answers)
    return ColumnBoard(answers, console) if wide else SequentialBoard(answers)


class SequentialBoard(Board):
    """Streams the first answer. The text of the others is held back until their turn."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(answers)
        self._turn = 0
        self._finished: set[int] = set()

    def __enter__(self) -> Self:
        self._open()
        return self

    def show(self, index: int, piece: str) -> None:
        if index == self._turn:
            typer.echo(piece, nl=False)

    def retract(self, index: int) -> None:
        if index == self._turn:
            typer.echo("\n[the model was thinking aloud; its answer:]")

    def finish(self, index: int) -> None:
        self._finished.add(index)
        while self._turn in self._finished:
            answer = self._answers[self._turn]
            typer.echo(f"{_break_line(answer)}[{answer.error}]\n" if answer.error else "\n")
            self._turn += 1
            if self._turn < len(self._answers):
                self._open()

    def _open(self) -> None:
        answer = self._answers[self._turn]
        typer.echo(f"── {answer.name}")
        typer.echo(answer.text, nl=False)


def _break_line(answer: Answer) -> str:
    return "\n" if answer.text else ""


class ColumnBoard(Board):
    """A column for each model. While they grow their last lines are shown; in the end, all of them."""

    def __init__(self, answers: Sequence[Answer], console: "Console") -> None:
        from rich.live import Live

        super().__init__(answers)
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._pacer = RedrawThrottle(self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        from rich.text import Text as RichText

        self._pacer.stop()
        self._live.update(RichText(""))
        self._live.stop()
        self._console.print(self._build(None))

    def show(self, index: int, piece: str) -> None:
        self._pacer.ask()

    def retract(self, index: int) -> None:
        self._pacer.ask()

    def finish(self, index: int) -> None:
        self._pacer.ask()

    def _draw(self) -> None:
        self._live.update(self._build(max(3, self._console.height - 6)), refresh=True)

    def _build(self, height: int | None) -> "Table":
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text as RichText

        table = Table(box=SIMPLE_HEAD, expand=True, padding=(0, 1))
        width = max(8, self._console.width // len(self._answers) - 4)
        cells = []
        for answer in self._answers:
            table.add_column(RichText(answer.name), ratio=1, overflow="fold")
            text = answer.text + (f"{_break_line(answer)}[{answer.error}]" if answer.error else "")
            lines = RichText(text or "…").wrap(self._console, width)
            cells.append(RichText("\n").join(lines[-height:] if height else lines))
        table.add_row(*cells)
        return table


def print_table(compared: Compared, language: str = "en") -> None:
    """Print the model behind each name, the figures of each answer, and the fastest and the cheapest model."""
    heads = [head.say(language) for head in _HEADS]
    rows = [_describe(answer, language) for answer in compared.answers if not answer.error]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    widths[0] = max(widths[0], *(len(answer.asked) for answer in compared.answers))
    names = {answer.asked: answer.model for answer in compared.answers if answer.model != answer.asked}
    for asked, model in names.items():
        typer.echo(f"{asked} → {model}")
    typer.echo(_align(heads, widths))
    for answer in compared.answers:
        if answer.error:
            typer.echo(f"{answer.asked:<{widths[0]}}  {_FAILED.say(language, reason=answer.error)}")
        else:
            typer.echo(_align(_describe(answer, language), widths))
    fastest, cheapest = compared.fastest, compared.cheapest
    if fastest is not None:
        typer.echo(_FASTEST.say(language, model=fastest.asked, seconds=fastest.total))
        cost = format_cost(cheapest.usage.cost) if cheapest else ""
        typer.echo(
            _CHEAPEST.say(language, model=cheapest.asked, cost=cost) if cheapest else _NO_PRICES.say(language),
        )


def _describe(answer: Answer, language: str) -> list[str]:
    usage = answer.usage
    mark = "~" if usage.estimated else ""
    first = _SECONDS.say(language, count=answer.first_token) if answer.first_token is not None else "–"
    total = _SECONDS.say(language, count=answer.total)
    speed = f"{answer.speed:.1f}" if answer.speed is not None else "–"
    counts = [f"{mark}{usage.prompt_tokens}", f"{mark}{usage.completion_tokens}"]
    return [answer.asked, first, total, speed, *counts, format_cost(usage.cost)]


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = f"{cells[0]:<{widths[0]}}"
    return "  ".join([first, *(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))])


def describe_answer(answer: Answer) -> dict[str, Any]:
    """Return an answer as `--json` gives it. Times are in seconds, cost in US dollars or null."""
    usage = answer.usage
    return {
        "asked": answer.name,
        "model": answer.model,
        "answer": answer.text,
        "first_token_seconds": answer.first_token,
        "total_seconds": answer.total,
        "tokens_per_second": answer.speed,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "estimated": usage.estimated,
        "cost": usage.cost,
        "finish_reason": str(answer.end.reason) if answer.end else None,
        "error": answer.error or None,
    }


def describe_comparison(compared: Compared) -> dict[str, Any]:
    """Return a comparison as `--json` gives it."""
    fastest, cheapest = compared.fastest, compared.cheapest
    return {
        "models": [describe_answer(answer) for answer in compared.answers],
        "fastest": fastest.model if fastest else None,
        "cheapest": cheapest.model if cheapest else None,
        "seconds": compared.seconds,
    }
