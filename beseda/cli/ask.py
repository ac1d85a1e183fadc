"""`beseda ask`: one question to a model, without a bot."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings, run_async

if TYPE_CHECKING:
    from beseda.config import Settings
    from beseda.llm.base import Finished, ModelRequest

_LONGEST = 4 * 1024 * 1024  # bytes of a question: more than any model reads


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
    usage = end.usage
    cost = f", ${usage.cost:.6f}" if usage.cost is not None else ""
    about = "~" if usage.estimated else ""
    tokens = f"{about}{usage.prompt_tokens} tokens in, {about}{usage.completion_tokens} out"
    typer.echo(f"\n[{end.endpoint}:{end.model}, {tokens}{cost}]", err=True)


def _read_question(text: str | None, option: str | None, file: Path | None) -> str:
    from beseda.errors import SettingsError

    given = [value for value in (text, option, file) if value is not None]
    if len(given) > 1:
        raise SettingsError("the question comes from one place: an argument, --text, --file or stdin, not several")
    if file is not None:
        question = _read_file(file)
    elif given:
        question = str(given[0])
    elif sys.stdin.isatty():
        raise SettingsError("there is no question: give one as an argument, with --text, --file or on stdin")
    else:
        question = sys.stdin.read(_LONGEST)
    if not question.strip():
        raise SettingsError("the question is empty")
    return question


def _read_file(path: Path) -> str:
    from beseda.errors import SettingsError

    try:
        if path.stat().st_size > _LONGEST:
            raise SettingsError(f"{path} is over 4 MB: no model reads that much")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {type(error).__name__}") from error


async def _ask(settings: "Settings", request: "ModelRequest") -> "Finished":
    from beseda.bootstrap import llm_settings
    from beseda.kit.clock import SystemClock
    from beseda.llm.base import Finished, TextDelta
    from beseda.llm.registry import choose_model

    model = await choose_model(llm_settings(settings), SystemClock())
    end: Finished | None = None
    try:
        async for event in model.stream(request):
            match event:
                case TextDelta():
                    typer.echo(event.text, nl=False)
                case Finished():
                    end = event
    finally:
        await model.close()
    assert end is not None  # noqa: S101 - the protocol's promise: Finished comes last
    return end
