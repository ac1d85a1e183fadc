"""A substitute for use without a model: it explains how to connect one and shows examples of answers."""

import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence

import orjson

from beseda.core.clock import Clock
from beseda.core.message import Role
from beseda.core.usage import DEMO, Usage
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint, find_endpoint
from beseda.llm import _demo_texts as texts
from beseda.llm._demo_reading import fill_in
from beseda.llm.base import Finished, FinishReason, ModelEvent, ModelHealth, ModelRequest, TextDelta
from beseda.llm.extraction_prompt import read_cues
from beseda.llm.prompt import is_note
from beseda.llm.quotation import split_quoted
from beseda.llm.token_estimate import estimate_tokens
from beseda.locales import Text

ENDPOINT_NAME = DEMO
MODEL_NAME = DEMO
DEMO_NAME = f"{ENDPOINT_NAME}:{MODEL_NAME}"

_ECHO_CHARACTERS = 120
_PIECES = 40
_LONG_PARAGRAPHS = 40
_TOPIC_WORDS = 4
_CHATS_KEPT = 1_000
_TOPICS: tuple[tuple[re.Pattern[str], Text], ...] = (
    (re.compile(r"\b(формат|format)", re.IGNORECASE), texts.FORMAT),
    (re.compile(r"\b(кнопк|button)", re.IGNORECASE), texts.BUTTONS),
    (re.compile(r"\b(длинн|long\b)", re.IGNORECASE), texts.LONG_OPENING),
)
# What would be formatting, and so spoil the quote, or open a link.
_MARKS = re.compile(r"[*_`~|\[\]<>#\\]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]")


class DemoModel:
    """A `ChatModel` with canned answers. Each answer is streamed over `seconds`."""

    def __init__(self, clock: Clock, *, seconds: float = 2.0, language: str = "ru") -> None:
        self._clock = clock
        self._pause = seconds / _PIECES
        self._language = language
        # The instructions of chats that were answered: they differ by bot and person.
        self._greeted: OrderedDict[int, None] = OrderedDict()

    @property
    def name(self) -> str:
        return DEMO_NAME

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the canned answer piece by piece, in the language of the last message."""
        answer = self._compose(request)
        limit = (
            None if request.max_tokens is None or request.schema is not None else request.max_tokens * 3
        )  # characters; nobody counts here
        reason = FinishReason.STOP if limit is None or len(answer) <= limit else FinishReason.LENGTH
        answer = answer[:limit]
        size = max(1, -(-len(answer) // _PIECES))
        for start in range(0, len(answer), size):
            if request.schema is None:  # nobody watches a form being filled in
                await self._clock.sleep(self._pause)
            yield TextDelta(answer[start : start + size])
        prompt = sum(estimate_tokens(message.content) for message in request.messages)
        yield Finished(reason, Usage(prompt, estimate_tokens(answer), 0.0, estimated=True), ENDPOINT_NAME, MODEL_NAME)

    def _compose(self, request: ModelRequest) -> str:
        if request.schema is not None:
            return orjson.dumps(fill_in(request)).decode()
        spoken = [one for one in request.messages if one.role is not Role.SYSTEM and not is_note(one)]
        said = spoken[-1].content if spoken else ""
        language = "ru" if _CYRILLIC.search(said) else "en" if _LETTERS.search(said) else self._language
        notes = [message.content for message in request.messages if message.role is Role.SYSTEM or is_note(message)]
        if reply := compose_reply(read_cues("\n".join(notes)), language):
            return reply
        row = find_endpoint(request.stands_for) or CHAT_ENDPOINTS[0]
        # Answers of the demo are left out of the window: a question without one was answered by it.
        unanswered = len(spoken) > 1 and spoken[-2].role is Role.USER
        again = self._was_greeted(notes) or unanswered
        return compose_answer(split_quoted(said)[1] or said, language, row, again=again)

    def _was_greeted(self, notes: Sequence[str]) -> bool:
        """Return whether a chat with these instructions was answered before; False without instructions."""
        if not notes:
            return False
        key = hash(_DIGITS.sub("", "\n".join(notes)))  # the time of day changes
        known = key in self._greeted
        self._greeted[key] = None
        while len(self._greeted) > _CHATS_KEPT:
            self._greeted.popitem(last=False)
        return known

    async def check(self) -> ModelHealth:
        row = CHAT_ENDPOINTS[0]
        return ModelHealth(ok=True, detail=f"{self.name}: no model is connected; set {row.key_variable} for one")

    async def close(self) -> None:
        """Nothing is open."""


def compose_reply(cues: Sequence[str], language: str) -> str:
    """Return the demo's reply that quotes `cues`, or an empty string without cues."""
    return texts.CUED.say(language, said=" ".join(cues)) if cues else ""


def compose_answer(said: str, language: str, row: Endpoint = CHAT_ENDPOINTS[0], *, again: bool = False) -> str:
    """Return the demo's Markdown answer to a message: how to set up `row`, or one line about it with `again`."""
    # A topic is asked for in a few words; "how long does it take?" is a question like any other.
    asked = said if len(said.split()) <= _TOPIC_WORDS else ""
    plain = texts.AGAIN if again else texts.PLAIN
    text = next((topic for pattern, topic in _TOPICS if pattern.search(asked)), plain)
    way = texts.WITH_KEY if row.needs_key else texts.WITH_SERVER
    page = row.key_page.partition(" ")[0]  # without its note, which is English
    facts = {"key": row.key_variable, "page": page, "title": row.title}
    facts |= {"address": row.url_variable, "example": row.base_url.removesuffix("/v1")}
    servers = ", ".join(local.title for local in CHAT_ENDPOINTS if local.is_local)
    short = texts.KEY_NAME if row.needs_key else texts.SERVER_NAME
    answer = text.say(
        language,
        echo=_quote(said),
        way=way.say(language, **facts),
        needed=short.say(language, **facts),
        servers=servers,
    )
    if text is texts.LONG_OPENING:
        answer += "".join(texts.LONG_PARAGRAPH.say(language, number=n) for n in range(1, _LONG_PARAGRAPHS + 1))
    return answer.rstrip()


def _quote(said: str) -> str:
    words = " ".join(_MARKS.sub(" ", said).split())
    return (words[:_ECHO_CHARACTERS].rstrip() + "…") if len(words) > _ECHO_CHARACTERS else (words or "…")
