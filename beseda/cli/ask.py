"""`beseda ask`: one question to a model, without a bot."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings, run_async

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from beseda.config import Settings
    from beseda.llm.base import ChatModel, Finished, ModelRequest

_LONGEST = 4 * 1024 * 1024  # bytes of a question: more than any model reads
# A model's words must not move a terminal's cursor, set its title or speak in its name.
_UNPRINTABLE = {code: None for code in [*range(32), *range(0x7F, 0xA0)] if chr(code) not in "\n\t"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("ask")(ask)


def ask(
    text: Annotated[str | None, typer.Argument(help="The question.", show_default=False)] = None,
    text_option: Annotated[str | None, typer.Option("--text", help="The question, as an option.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A UTF-8 file with the question.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="endpoint:model, or a list with commas.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0.0, max=2.0)] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1)] = None,
    config: ConfigOption = None,
) -> None:
    """Ask a model one question; the answer comes as it is made. Text from exactly one source, or from stdin."""
    from beseda.domain.message import Message, Role
    from beseda.llm.base import ModelRequest

    question = _read_question(text, text_option, file)
    settings = read_settings(config, model=model)
    request = ModelRequest([Message(Role.USER, question)], temperature, max_tokens)
    end = run_async(_ask(settings, request))
    typer.echo(f"[{_sum_up(end)}]", err=True)


def _read_question(text: str | None, option: str | None, file: Path | None) -> str:
    from beseda.errors import SettingsError

    stdin: TextIO | None = sys.stdin  # None where the shell has closed it
    given = [value for value in (text, option, file) if value is not None]
    if len(given) > 1:
        raise SettingsError("the question comes from one place: an argument, --text, --file or stdin, not several")
    if file is not None:
        question = _read_file(file)
    elif given:
        question = str(given[0])
    elif stdin is None or stdin.isatty():
        raise SettingsError("there is no question: give one as an argument, with --text, --file or on stdin")
    else:
        question = _read_text(stdin.buffer, "stdin")
    if not question.strip():
        raise SettingsError("the question is empty")
    if any("\ud800" <= character <= "\udfff" for character in question):  # Python's stand-ins for broken bytes
        raise SettingsError("the question is not UTF-8 text")
    return question


def _read_file(path: Path) -> str:
    from beseda.errors import SettingsError

    try:
        with path.open("rb") as file:
            return _read_text(file, str(path))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _read_text(source: "BinaryIO", name: str) -> str:
    from beseda.errors import SettingsError

    content = source.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise SettingsError(f"{name} is over 4 MB: no model reads that much")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not UTF-8 text: byte {error.start + 1} makes no sense") from error


async def _ask(settings: "Settings", request: "ModelRequest") -> "Finished":
    from beseda.config.model import llm_settings
    from beseda.errors import KeyRejectedError
    from beseda.kit.clock import SystemClock
    from beseda.llm.endpoints import find_endpoint
    from beseda.llm.registry import choose_model

    model = await choose_model(llm_settings(settings), SystemClock())
    try:
        return await _print_answer(model, request)
    except KeyRejectedError as error:
        row = find_endpoint(error.detail.partition(":")[0])
        hint = f"; check {row.key_variable}, or get a key at {row.key_page}" if row else ""
        raise KeyRejectedError(f"{error.detail}{hint}") from error
    finally:
        await model.close()


async def _print_answer(model: "ChatModel", request: "ModelRequest") -> "Finished":
    from contextlib import aclosing

    from beseda.llm.base import Finished, TextDelta

    end: Finished | None = None
    written = False
    try:
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                match event:
                    case TextDelta():
                        written = True
                        typer.echo(event.text.translate(_UNPRINTABLE), nl=False)
                    case Finished():
                        end = event
    finally:
        if written:
            typer.echo()
    assert end is not None  # noqa: S101 - the protocol's promise: Finished comes last
    return end


def _sum_up(end: "Finished") -> str:
    from beseda.llm.base import FinishReason

    usage = end.usage
    about = "~" if usage.estimated else ""
    parts = [f"{end.endpoint}:{end.model}"]
    parts.append(f"{about}{usage.prompt_tokens} tokens in, {about}{usage.completion_tokens} out")
    if usage.cost:
        parts.append(f"${usage.cost:.6f}")
    if end.reason is FinishReason.LENGTH:
        parts.append("cut off: --max-tokens allows no more")
    return ", ".join(parts)
