"""Separates reasoning and tool calls that a model writes into its answer from the answer, in pieces of any size.

Servers without a parser for the model's template pass its marks on as text. The spellings are those of the models' chat
templates: DeepSeek, Qwen, QwQ and GLM `<think>`; Magistral `[THINK]`; Kimi-VL `◁think▷`; gpt-oss `<|channel|>analysis`;
Gemma `<|channel>thought`; Command A `<|START_THINKING|>`; Seed-OSS `<seed:think>`; Sky-T1 `<|begin_of_thought|>`;
Hermes and Qwen `<tool_call>`; Mistral `[TOOL_CALLS]`; Llama 3 `<|python_tag|>`.
"""

import re
from enum import StrEnum

_THOUGHT_NAMES = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad", "inner_monologue"),
    *("antthinking", "seed:think"),
)
_CALL_NAMES = (
    *("tool_call", "tool_calls", "function_call", "function_calls", "tool_response", "tool_code"),
    *("seed:tool_call", "minimax:tool_call"),
)


class _Mark(StrEnum):
    """Use of a mark: the beginning or the end of a thought or a tool call, or a part of the frame around the answer."""

    THOUGHT = "thought"
    THOUGHT_END = "thought end"
    CALL = "call"
    CALL_END = "call end"
    WRAPPER = "wrapper"
    ANSWER = "answer"


def _list_marks() -> dict[str, _Mark]:
    marks: dict[str, _Mark] = {}
    for names, begin, end in (
        (_THOUGHT_NAMES, _Mark.THOUGHT, _Mark.THOUGHT_END),
        (_CALL_NAMES, _Mark.CALL, _Mark.CALL_END),
    ):
        for name in names:
            for opening, closing in (("<", ">"), ("◁", "▷"), ("<|", "|>")):
                marks[f"{opening}{name}{closing}"] = begin
                marks[f"{opening}/{name}{closing}"] = end
    uses = {
        _Mark.THOUGHT: "<|begin_of_thought|> <|start_thinking|> <｜begin▁of▁thinking｜> <|channel|>analysis "
        "<|channel|>commentary <|channel>thought <unused94>thought [think] [thinking]",
        _Mark.THOUGHT_END: "<|end_of_thought|> <|end_thinking|> <｜end▁of▁thinking｜> <|channel|>final <channel|> "
        "<unused95> [/think] [/thinking]",
        _Mark.CALL: "<function= <|tool_call> <|tool_call_begin|> <|tool_calls_section_begin|> <｜tool▁calls▁begin｜> "
        "<|start_action|> <|python_tag|> [tool_call] [tool_calls]",
        _Mark.CALL_END: "</function> <tool_call|> <|tool_call_end|> <|tool_calls_section_end|> <｜tool▁calls▁end｜> "
        "<|end_action|> <|eom_id|> [/tool_call] [/tool_calls]",
        _Mark.WRAPPER: "<|start|>assistant <|start|> <|message|> <|constrain|> <|end|> <|return|> <|call|> "
        "<|begin_of_solution|> <|end_of_solution|> <|start_response|> <|end_response|> <|im_end|> <|eot_id|>",
        _Mark.ANSWER: "<answer> </answer>",
    }
    return marks | {mark: use for use, listed in uses.items() for mark in listed.split()}


_MARKS = _list_marks()
_PREFIXES = frozenset(mark[:length] for mark in _MARKS for length in range(1, len(mark)))
_LONGEST = max(map(len, _MARKS))
_FOUND = re.compile(
    "|".join(map(re.escape, sorted(_MARKS, key=len, reverse=True))) + r"|`+|~{3,}|\n[ \t]*\n", re.IGNORECASE
)
_REMARKABLE = re.compile(r"[<\[◁`~]")
# Chat templates that end with an opening mark: https://huggingface.co/deepseek-ai/DeepSeek-R1,
# https://huggingface.co/Qwen/QwQ-32B, https://huggingface.co/Qwen/Qwen3-30B-A3B-Thinking-2507
_THINKERS = re.compile(r"deepseek[-_.]?r1|\bqwq\b|[-_]thinking\b", re.IGNORECASE)
_HARMONY_END = "<|end|>"


class ThoughtFilter:
    """Separates the text of one answer into the answer itself, and the thoughts and tool calls in between.

    Marks inside code stay text. Text before a closing mark without an opening one is a thought, since some templates
    put the opening mark into the prompt; text that was taken already is then withdrawn. A thought that begins in the
    middle of a line and has no end was a mention of the mark, and becomes text again.
    """

    def __init__(self, *, opened: bool = False) -> None:
        """`opened`: expect a thought without an opening mark; without a closing one all of it is the answer."""
        self.unopened = False
        """A thought had an end and no beginning."""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._withdrawn = False
        self._taken = False
        self._held = ""
        self._lead = ""
        self._last = ""
        self._line = False
        self._fence = self._inline = ""
        self._inside: _Mark | None = _Mark.THOUGHT if opened else None
        self._expected = opened
        self._mention = False
        self._pieces: list[str] = []
        self._sorted = self._trim = False

    def expect_none(self) -> None:
        """Expect no thought without an opening mark any more, as long as no text has come."""
        if self._expected and not self._pieces and not self._held:
            self._inside, self._expected = None, False

    def feed(self, text: str) -> None:
        """Take the next piece of the answer."""
        usual = self._inside is None and not self._held and not self._inline and bool(self._last) and not self._trim
        if usual and not _REMARKABLE.search(text):
            self._show(text)
        else:
            self._read(self._held + text, last=False)

    def finish(self) -> None:
        """End the answer: characters held back as the possible beginning of a mark are text."""
        self._read(self._held, last=True)
        if self._inside is not None and (self._expected or self._mention):
            pieces, self._inside = self._pieces, None
            self._show("".join(pieces))
        if not self._last and not self._sorted:
            self._texts.append(self._lead)
        self._inside, self._lead = None, ""

    def take_text(self) -> str:
        """Return the answer since the last call."""
        text = "".join(self._texts)
        self._texts.clear()
        self._taken = self._taken or bool(text)
        return text

    def take_thought(self) -> str:
        """Return the reasoning and the calls since the last call."""
        thought = "".join(self._thoughts)
        self._thoughts.clear()
        return thought

    def take_withdrawal(self) -> bool:
        """Return whether the text that was taken before turned out to be a thought."""
        withdrawn, self._withdrawn = self._withdrawn, False
        return withdrawn

    def _read(self, text: str, *, last: bool) -> None:
        place = 0
        self._held = ""
        while found := _FOUND.search(text, place):
            self._put(text[place : found.start()])
            if not last and _may_go_on(text, found):
                self._held = text[found.start() :]
                return
            self._pass(found.group())
            place = found.end()
        rest = text[place:]
        length = 0 if last else _count_held(rest)
        self._held = rest[len(rest) - length :]
        self._put(rest[: len(rest) - length])

    def _put(self, text: str) -> None:
        if self._inside is None:
            self._show(text)
        elif text:
            self._thoughts.append(text)
            if self._expected or self._mention:
                self._pieces.append(text)

    def _show(self, text: str) -> None:
        """Add to the answer, without the white space around a thought."""
        if not self._last:
            words = text.lstrip()
            self._lead += text[: len(text) - len(words)]
            text = words if self._sorted or not words else self._lead + words
        elif self._trim and self._last.isspace():
            text = text.lstrip()
        if not text:
            return
        if text[0] == "\n" == self._last:
            self._inline = ""
        self._trim = False
        self._texts.append(text)
        self._last = text[-1]
        _, newline, line = text.rpartition("\n")
        self._line = bool(line.strip()) or (self._line and not newline)

    def _pass(self, mark: str) -> None:
        use = _MARKS.get(mark.lower())
        if use is None:
            self._pass_code(mark)
        elif self._inside is None:
            self._pass_in_text(mark, use)
        elif use is _Mark.THOUGHT and self._expected and not "".join(self._pieces).strip():
            self._expected = False  # the model wrote the opening mark after all
            self._pieces.clear()
        elif self._is_end(mark, use):
            self.unopened = self.unopened or self._expected
            self._close()
        elif use is not _Mark.WRAPPER:
            self._put(mark)

    def _pass_in_text(self, mark: str, use: _Mark) -> None:
        if self._fence or self._inline or (use is _Mark.ANSWER and not self._sorted):
            self._show(mark)
        elif use in (_Mark.THOUGHT, _Mark.CALL):
            self._inside, self._mention = use, self._line
            self._pieces = [mark]
        elif use is _Mark.THOUGHT_END:
            self._withdraw()

    def _pass_code(self, mark: str) -> None:
        """Follow the beginning and the end of code in the answer."""
        if self._inside is None:
            if len(mark) > 2 and mark[0] in "`~" and not self._inline:
                if not self._fence:
                    self._fence = mark
                elif mark.startswith(self._fence):
                    self._fence = ""
            elif not self._fence and mark[0] == "`":
                self._inline = {"": mark, mark: ""}.get(self._inline, self._inline)
            elif mark[0] == "\n":
                self._inline = ""  # code in a line ends with its paragraph at the latest
        self._put(mark)

    def _is_end(self, mark: str, use: _Mark) -> bool:
        if self._inside is _Mark.CALL:
            return use is _Mark.CALL_END
        return use is _Mark.THOUGHT_END or mark.lower() == _HARMONY_END

    def _close(self) -> None:
        self._inside, self._expected, self._mention = None, False, False
        self._pieces.clear()
        self._sorted = self._trim = True

    def _withdraw(self) -> None:
        self._thoughts.append("".join(self._texts))
        self._texts.clear()
        self._withdrawn, self._taken = self._withdrawn or self._taken, False
        self._lead = self._last = ""
        self._line = False
        self.unopened = self._sorted = True


def strip_thoughts(text: str) -> str:
    """Return a whole answer without the thoughts and tool calls in it."""
    sorting = ThoughtFilter()
    sorting.feed(text)
    sorting.finish()
    return sorting.take_text()


def begins_with_thought(model: str) -> bool:
    """Return whether the template of a model, known by its name, puts the opening mark of a thought into the prompt."""
    return _THINKERS.search(model) is not None


def _may_go_on(text: str, found: "re.Match[str]") -> bool:
    """Return whether more text could turn the match at the end of `text` into another mark."""
    if found.group()[0] in "`~":
        return found.end() == len(text)
    return text[found.start() :].lower() in _PREFIXES


def _count_held(text: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of a mark."""
    for place in range(max(0, len(text) - _LONGEST), len(text)):
        ending = text[place:]
        if ending.lower() in _PREFIXES or (ending[0] == "~" and not ending.strip("~")):
            return len(ending)
    return 0
