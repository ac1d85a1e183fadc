import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from beseda.cli.answer import clean_text
from beseda.cli.repl.budget import Budget
from beseda.cli.repl.commands import is_command
from beseda.cli.repl.prompt import CommandCompleter, is_open, join_lines
from beseda.cli.repl.screen import MarkdownView, Screen, find_whole_blocks
from beseda.core.usage import Usage

BLOCKS = {
    "": 0,
    "one line": 0,
    "one\n\n": 0,
    "one\n\ntwo": 5,
    "one\n\ntwo\n\nthree": 10,
    "```\na\n\nb": 0,
    "```\na\n\nb\n```\n\nafter": 14,
    "- a\n\n  still a": 0,
    "~~~\n```\n\nx": 0,
}


@pytest.mark.parametrize(("text", "end"), BLOCKS.items())
def test_block_is_whole_once_another_begins(text: str, end: int) -> None:
    assert find_whole_blocks(text) == end


@given(st.lists(st.sampled_from(["a", "**b**", "\n", "\n\n", "```", "- ", "  ", "# ", "> "]), max_size=40))
async def test_whole_answer_is_on_the_screen_however_it_was_cut(pieces: list[str]) -> None:
    shown = io.StringIO()
    screen = Screen(Console(file=shown, width=60, height=20, markup=False))
    with screen.open_answer("…", "{ahead}") as view:
        for piece in pieces:
            view.show(piece)
    assert shown.getvalue().rstrip("\n") == "".join(pieces).rstrip("\n")


async def test_markdown_is_drawn_in_a_terminal_and_the_waiting_is_gone() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=60, height=20, color_system=None, legacy_windows=False)
    with Screen(console).open_answer("waiting", "{ahead} ahead") as view:
        view.wait(2)
        view.show("**bo")
        view.show("ld** and\n\n`code`")
    assert "2 ahead" in shown.getvalue()
    assert "bold and" in shown.getvalue()
    assert "**bold**" not in shown.getvalue()


def test_control_sequences_of_a_terminal_are_taken_out() -> None:
    assert clean_text("a\x1b[2J\x07b\r\n\tc\u202ed\u2066") == "a[2Jb\n\tcd"


OPEN = {"a": False, "a\\": True, '"""': True, '"""a\nb': True, '"""a"""': False, '""""""': False, 'a """': False}


@pytest.mark.parametrize(("text", "expected"), OPEN.items())
def test_message_goes_on_to_the_end_of_its_marks(text: str, expected: bool) -> None:
    assert is_open(text) is expected


def test_marks_are_no_part_of_the_message() -> None:
    assert join_lines('"""\na\n  b\n"""') == "a\n  b"
    assert join_lines("a\\\nb ") == "a\nb"
    assert join_lines("\udcff") == "?"


COMMANDS = {"/exit": True, "/stats now": True, "/usr/bin is what?": False, "/": False, "a /exit": False, "": False}


@pytest.mark.parametrize(("text", "expected"), COMMANDS.items())
def test_command_is_a_slash_and_a_word(text: str, expected: bool) -> None:
    assert is_command(text) is expected


def test_budget_asks_before_its_cap_and_again_after_as_much() -> None:
    budget = Budget(cap_tokens=100)
    assert budget.find_excess(90) is None
    budget.spend(Usage(80, 15))
    assert budget.find_excess(10) == ("95 (+10)", "100")
    budget.extend(10)
    assert budget.find_excess(100) is None
    assert budget.find_excess(120) is not None


def test_budget_of_money_counts_known_prices() -> None:
    budget = Budget(cap_cost=0.01)
    budget.spend(Usage(1, 1))
    assert budget.find_excess(1) is None
    budget.spend(Usage(1, 1, cost=0.02))
    assert budget.find_excess(1) == ("$0.0200", "$0.0100")
    budget.extend(1)
    assert budget.find_excess(1) is None


def test_completion_knows_commands_and_their_models() -> None:
    completer = CommandCompleter(
        {"/model": "m", "/memory": "m", "/exit": "e"}, {"/compare": lambda: ["openai:a", "demo"]}
    )

    def complete(text: str) -> list[str]:
        return [found.text for found in completer.get_completions(Document(text), CompleteEvent())]

    assert complete("/m") == ["/model", "/memory"]
    assert complete("/compare demo,op") == ["openai:a"]
    assert complete("/exit ") == complete("hello") == complete("/m\n") == []


async def test_one_blank_line_stands_between_blocks() -> None:
    pieces = ["Text.\n\n", "- one\n- two\n\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n", "```py\nx = 1\n```\n\n", "End."]
    out = io.StringIO()
    with MarkdownView(Console(file=out, width=40), "waiting", "in line", "loading") as view:
        for piece in pieces:
            view.show(piece)
    lines = [line.strip() for line in out.getvalue().strip().split("\n")]
    assert "" in lines
    assert not any(one == two == "" for one, two in pairwise(lines)), lines
