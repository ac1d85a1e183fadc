"""`beseda ask`: one question to a model, or to several side by side, without a bot."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.cli.text_input import STDIN, StandardInput, read_file
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beseda.cli.answer import Answer
    from beseda.cli.compare import Compared
    from beseda.config import Settings
    from beseda.llm.base import ChatModel, ModelRequest
    from beseda.llm.tokens import TokenCount

_FAILED = 1


def ask(
    text: Annotated[
        str | None, typer.Argument(help="The question, or what to do with files and stdin.", show_default=False)
    ] = None,
    text_option: Annotated[str | None, typer.Option("--text", help="The question, as an option.")] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", help="A text file to ask about, - for stdin; may be given several times."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="endpoint:model or a short name, or a list with commas.")
    ] = None,
    system: Annotated[str, typer.Option("--system", help="Instructions for the model.")] = "",
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, max=2.0, help="0 is sober, 2 is wild.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="The longest answer.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Several models with commas, asked side by side.")
    ] = None,
    compare_three: Annotated[
        bool,
        typer.Option("--compare-three", "--compare_three", help="hf:deepseek, hf:llama3 and hf:qwen2, side by side."),
    ] = False,
    usage: Annotated[bool, typer.Option("--usage", help="Token counts, ours and the API's, after the answer.")] = False,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="A tokenizer.json to count with, for --usage.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a model one question; the answer comes as it is made. Files and piped text go with the instruction."""
    from beseda.cli.typing_ahead import hide_typing
    from beseda.core.message import Message, Role
    from beseda.llm.base import ModelRequest

    specs = _choose_specs(model, compare, compare_three)
    if specs and usage:
        raise SettingsError("--usage is for one model; a comparison has its own table")
    if tokenizer is not None and not usage:
        raise SettingsError("--tokenizer counts for --usage; give both")
    stdin = StandardInput()
    question = read_question(text, text_option, files or [], stdin)
    settings = read_settings(config, model=model)
    messages = [Message(Role.SYSTEM, system)] if system.strip() else []
    request = ModelRequest([*messages, Message(Role.USER, question)], temperature, max_tokens)
    with hide_typing():
        if specs:
            _compare(settings, specs, request, as_json=as_json)
        else:
            asked = run_async(_ask(settings, request, _Wishes(usage, tokenizer, as_json)))
            _print_end(asked, as_json=as_json)
    stdin.refuse_late()


def read_question(argument: str | None, option: str | None, files: "Sequence[Path]", stdin: StandardInput) -> str:
    """Return the question. Raises SettingsError if there is none, or two instructions, or a text cannot be read."""
    if argument is not None and option is not None:
        raise SettingsError("the instruction comes from one place: the argument or --text, not both")
    instruction = argument if option is None else option
    alone = instruction is None and not files
    if alone and not stdin.is_there:
        raise SettingsError("there is no question: give one as an argument, with --text, --file or on stdin")
    # stdin once, and only if there is one
    sources = [path for path in dict.fromkeys(files) if path != STDIN or stdin.is_there]
    texts = [(str(path), stdin.read() if path == STDIN else read_file(path)) for path in sources]
    if STDIN not in files:
        texts.append(("stdin", stdin.read() if alone else stdin.read_beside()))
    question = _put_together(instruction or "", [(name, text) for name, text in texts if text.strip()])
    if not question.strip():
        raise SettingsError("the question is empty")
    if any("\ud800" <= character <= "\udfff" for character in question):  # Python's stand-ins for broken bytes
        raise SettingsError("the question is not UTF-8 text")
    return question


def _put_together(instruction: str, texts: "Sequence[tuple[str, str]]") -> str:
    """Return the instruction and the texts with blank lines between; several texts stand under their names."""
    named = [f"{name}:\n\n{text}" for name, text in texts] if len(texts) > 1 else [text for _, text in texts]
    parts = [instruction, *named] if instruction.strip() or not named else named
    return "\n\n".join(parts)


def _choose_specs(model: str | None, compare: str | None, compare_three: bool) -> "list[str]":
    from beseda.cli.compare import THREE

    if sum([model is not None, compare is not None, compare_three]) > 1:
        raise SettingsError("--model, --compare and --compare-three say the same thing: give one of them")
    if compare is not None:
        specs = [spec for part in compare.split(",") if (spec := part.strip())]
        if len(specs) < 2:
            raise SettingsError("--compare takes two models or more, with commas between: openai:a,groq:b")
        return specs
    return list(THREE) if compare_three else []


@dataclass(frozen=True, slots=True)
class _Wishes:
    """The output that was requested in addition to the answer."""

    usage: bool
    tokenizer: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer, and the local token count of the question if it was requested."""

    answer: "Answer"
    local: "TokenCount | None" = None


async def _ask(settings: "Settings", request: "ModelRequest", wishes: _Wishes) -> _Asked:
    from beseda.app_settings import llm_settings
    from beseda.cli.answer import receive_answer
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient
    from beseda.llm.base import ObservedModel
    from beseda.llm.fitting import ContextFitting
    from beseda.llm.registry import choose_model
    from beseda.llm.tokens import count_tokens

    clock = SystemClock()
    async with HttpClient() as http:
        model = await choose_model(llm_settings(settings), clock, http)
        question, count = request.messages[-1].content, None
        if wishes.usage:
            count = await count_tokens(question, tokenizer=wishes.tokenizer, model=model)
        with _Printer() as printer:
            fitted = ObservedModel(model, ContextFitting)
            answer = await receive_answer(fitted, request, clock, None if wishes.as_json else printer)
        return _Asked(answer, count)


class _Printer:
    """Prints an answer as it comes, and ends its last line once, however it ends."""

    def __init__(self) -> None:
        self._written = False
        self._held = ""  # line breaks that may turn out to be the last
        self._noted = ""

    def __enter__(self) -> "_Printer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._written:
            typer.echo()

    def show(self, piece: str) -> None:
        text = self._held + piece
        shown = text.rstrip("\n")
        self._held = text[len(shown) :]
        self._written = True
        typer.echo(shown, nl=False)

    def retract(self) -> None:
        if self._written:
            typer.echo()
        self._written, self._held = False, ""
        typer.echo("[the model was thinking aloud; its answer:]", err=True)

    def wait(self, ahead: int) -> None:
        note = f"in line: {ahead} ahead" if ahead else "the model is still loading"
        if note != self._noted:
            typer.echo(f"[{note}]", err=True)
        self._noted = note


def _print_end(asked: _Asked, *, as_json: bool) -> None:
    from beseda.cli.compare import describe_answer
    from beseda.cli.output import print_json

    end = asked.answer.end
    assert end is not None  # noqa: S101 - the protocol's promise: Finished comes last
    counts = {
        "api_prompt_tokens": end.usage.prompt_tokens,
        "api_completion_tokens": end.usage.completion_tokens,
        "finish_reason": str(end.reason),
    }
    if asked.local is not None:
        counts = {"local_input_tokens": asked.local.tokens, **counts}
    if as_json:
        local = {"local_input_tokens": asked.local.tokens, "local_source": asked.local.source} if asked.local else {}
        body = {**describe_answer(asked.answer), **local}
        print_json(body)
        return
    if asked.local is not None:
        typer.echo()
        for name, value in counts.items():
            typer.echo(f"{name}: {value}")
    typer.echo(f"[{_sum_up(asked)}]", err=True)


def _sum_up(asked: _Asked) -> str:
    from beseda.cli.answer import describe_usage
    from beseda.llm.base import FinishReason

    answer = asked.answer
    parts = [answer.model, describe_usage(answer.usage), f"{answer.total:.2f} s"]
    if answer.end is not None and answer.end.reason is FinishReason.LENGTH:
        parts.append("cut off: --max-tokens allows no more")
    if asked.local is not None and asked.local.source == "estimate":
        parts.append("local_input_tokens is an estimate: --tokenizer counts exactly")
    return ", ".join(parts)


def _compare(settings: "Settings", specs: "Sequence[str]", request: "ModelRequest", *, as_json: bool) -> None:
    from beseda.cli.compare import describe_comparison, print_table
    from beseda.cli.output import print_json

    compared = run_async(_ask_all(settings, specs, request, as_json=as_json))
    if as_json:
        print_json(describe_comparison(compared))
    else:
        print_table(compared)
    if not compared.whole:
        raise typer.Exit(_FAILED)


async def _ask_all(
    settings: "Settings", specs: "Sequence[str]", request: "ModelRequest", *, as_json: bool
) -> "Compared":
    from beseda.app_settings import llm_settings
    from beseda.cli.compare import Board, build_contenders, compare_models, open_board
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient

    clock, http = SystemClock(), HttpClient()
    models: list[ChatModel] = []
    try:
        models += build_contenders(specs, llm_settings(settings), clock, http)
        return await compare_models(models, request, clock, Board if as_json else open_board)
    finally:
        for model in models:
            await model.close()
        await http.close()
