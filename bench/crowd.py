"""Users in a closed loop: each writes, waits for the answer, and writes again. Every question and answer is kept."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.http_server import Listening, serve
from bench.model_server import QUESTION, ModelServer
from bench.telegram_server import TelegramServer

_FIRST_USER = 1000


@dataclass(slots=True)
class Question:
    """One message of a user and what became of it. Moments are of `time.perf_counter`."""

    user: int
    number: int
    update_id: int
    asked: float
    handed: float = 0.0
    """When the bot was given the update first."""
    thought: float = 0.0
    """Seconds the model took for its last answer to it."""
    answers: list[float] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """What stands in the question and in every answer to it."""
        return f"q{self.user}-{self.number}"

    @property
    def added(self) -> float:
        """Seconds that the bot added: from being given the update to its answer, without the model's own time."""
        return self.answers[0] - self.handed - self.thought

    @property
    def waited(self) -> float:
        """Seconds that the user waited beyond the model's own time."""
        return self.answers[0] - self.asked - self.thought


@dataclass(slots=True)
class _Person:
    open: int = 0
    asked: int = 0
    heard: list[int] = field(default_factory=list)
    """Numbers of the questions whose answers came in, as they came, repeated ones included."""


class Crowd:
    """The users of one bot with the two servers it talks to.

    `burst` is how many messages a user writes in a row at most, chosen by `seed`.
    """

    def __init__(self, *, burst: int = 1, seed: int = 0) -> None:
        self.questions: dict[str, Question] = {}
        self.strays: list[str] = []
        """Texts that answer no question: notices of failure."""
        self.telegram = TelegramServer(self._hear, self._note_handed)
        self.model = ModelServer(self._note_thought, seed=seed)
        self.servers: tuple[Listening, ...] = ()
        """Telegram's and the model's, while they listen."""
        self._people: dict[int, _Person] = {}
        self._by_update: dict[int, Question] = {}
        self._burst = burst
        self._random = random.Random(seed)
        self._is_looping = False
        self._open = 0
        self._answered = 0
        self._calm = asyncio.Event()

    @property
    def answered(self) -> int:
        """How many questions have an answer."""
        return self._answered

    @property
    def unanswered(self) -> list[Question]:
        """The questions without an answer."""
        return [question for question in self.questions.values() if not question.answers]

    async def until_alone(self) -> None:
        """Wait until no bot is connected and all that one has sent is read."""
        await asyncio.gather(*(server.until_alone() for server in self.servers))

    def find(self, update_id: int) -> Question:
        """Return the question that came with an update."""
        return self._by_update[update_id]

    def orders(self) -> Iterator[list[int]]:
        """Yield for each user the numbers of the answered questions in the order of the answers."""
        return (person.heard for person in self._people.values())

    def start(self, users: int) -> None:
        """Let this many users write, and go on writing as they are answered."""
        self._is_looping = True
        for user in range(_FIRST_USER, _FIRST_USER + users):
            self._write(user)

    def ask_once(self, users: int) -> list[Question]:
        """Let this many users write one message each, all at once."""
        self._is_looping = False
        return [self._ask(user) for user in range(_FIRST_USER, _FIRST_USER + users)]

    async def stop(self, *, within: float) -> bool:
        """Let nobody write any more, wait until all are answered, and return whether that came true."""
        self._is_looping = False
        return await self.wait(within=within)

    async def wait(self, *, within: float) -> bool:
        """Wait up to `within` seconds until every question is answered and return whether that came true."""
        self._calm.clear()
        if self._open:
            try:
                await asyncio.wait_for(self._calm.wait(), within)
            except TimeoutError:
                return False
        return True

    def answered_between(self, start: float, end: float) -> list[Question]:
        """Return the questions answered first within these moments."""
        return [item for item in self.questions.values() if item.answers and start <= item.answers[0] < end]

    def _write(self, user: int) -> None:
        for _ in range(self._random.randint(1, self._burst)):
            self._ask(user)

    def _ask(self, user: int) -> Question:
        person = self._people.setdefault(user, _Person())
        person.asked += 1
        person.open += 1
        self._open += 1
        mark = f"q{user}-{person.asked}"
        number = self.telegram.write(user, f"{mark} What is the capital of France, and why is it that one?")
        question = Question(user, person.asked, number, time.perf_counter())
        self.questions[mark] = self._by_update[number] = question
        return question

    def _hear(self, chat: int, text: str, now: float) -> None:
        found = QUESTION.search(text)
        question = self.questions.get(found[0]) if found else None
        if question is None or question.user != chat:
            self.strays.append(text)
            return
        question.answers.append(now)
        person = self._people[chat]
        person.heard.append(question.number)
        if len(question.answers) == 1:
            self._settle(chat, person)

    def _settle(self, user: int, person: _Person) -> None:
        person.open -= 1
        self._open -= 1
        self._answered += 1
        if not person.open and self._is_looping:
            self._write(user)
        if not self._open:
            self._calm.set()

    def _note_handed(self, update_id: int, now: float) -> None:
        question = self._by_update[update_id]
        question.handed = question.handed or now

    def _note_thought(self, mark: str, seconds: float) -> None:
        if mark in self.questions:
            self.questions[mark].thought = seconds


@asynccontextmanager
async def open_crowd(*, burst: int = 1, seed: int = 0) -> AsyncIterator[Crowd]:
    """Serve Telegram and the model to one bot for the length of the block; nobody writes yet."""
    crowd = Crowd(burst=burst, seed=seed)
    async with serve(crowd.telegram.handle) as telegram, serve(crowd.model.handle) as model:
        crowd.servers = telegram, model
        yield crowd
