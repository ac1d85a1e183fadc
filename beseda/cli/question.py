"""The question of `beseda ask`: an instruction with the files and the piped text that it is about."""

from collections.abc import Sequence
from pathlib import Path

from beseda.cli.text_input import STDIN, StandardInput, read_file
from beseda.errors import SettingsError


def read_question(argument: str | None, option: str | None, files: Sequence[Path], stdin: StandardInput) -> str:
    """Return the question. Raises SettingsError if there is none, or two instructions, or a text cannot be read."""
    if argument is not None and option is not None:
        raise SettingsError("the instruction comes from one place: the argument or --text, not both")
    instruction = argument if option is None else option
    alone = instruction is None and not files
    if alone and not stdin.is_there:
        raise SettingsError("there is no question: give one as an argument, with --text, --file or on stdin")
    texts = [(str(path), stdin.read() if path == STDIN else read_file(path)) for path in _list_once(files, stdin)]
    if STDIN not in files:
        texts.append(("stdin", stdin.read() if alone else stdin.read_beside()))
    question = _put_together(instruction or "", [(name, text) for name, text in texts if text.strip()])
    if not question.strip():
        raise SettingsError("the question is empty")
    if any("\ud800" <= character <= "\udfff" for character in question):  # Python's stand-ins for broken bytes
        raise SettingsError("the question is not UTF-8 text")
    return question


def _list_once(files: Sequence[Path], stdin: StandardInput) -> list[Path]:
    """Return the files, stdin among them no more than once and only if there is one."""
    return [path for path in dict.fromkeys(files) if path != STDIN or stdin.is_there]


def _put_together(instruction: str, texts: Sequence[tuple[str, str]]) -> str:
    """Return the instruction and the texts with blank lines between; several texts stand under their names."""
    named = [f"{name}:\n\n{text}" for name, text in texts] if len(texts) > 1 else [text for _, text in texts]
    parts = [instruction, *named] if instruction.strip() or not named else named
    return "\n\n".join(parts)
