"""Users in a closed loop: each writes, waits for the answer, and writes again. Every question and answer is kept."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.http_server import Listening, serve
from bench.model_server import END, QUESTION, ModelServer
from bench.telegram_server import Shown, TelegramServer

_FIRST_USER = 1000
_FIRST_GROUP = -1_000_000_000_000


@dataclass(slots=True)
class Question:
    """One message of a user and what became of it. Moments are of `time.perf_counter`."""

    chat: int
    mark: str
    """What stands in the question and in every answer to it."""
    update_id: int
    asked: float
    handed: float = 0.0
    """When the bot was given the update first."""
    thought: float = 0.0
    """Seconds the model took for its last answer to it."""
    answers: list[float] = field(default_factory=list)
    """When a message that answers it was sent; more than one is one too many."""
    done: float = 0.0
    """When the whole answer was there first; one that is shown as it grows is there before."""
    last: int = 0
    """The message that was sent for it last."""
    is_whole: bool = False
    """Whether that message holds the whole answer."""

    @property
    def added(self) -> float:
        """Seconds that the bot added: from being given the update to its answer, without the model's own time."""
        return self.done - self.handed - self.thought

    @property
    def waited(self) -> float:
        """Seconds that the user waited beyond the model's own time."""
        return self.done - self.asked - self.thought


@dataclass(slots=True)
class _Person:
    open: int = 0
    asked: int = 0
    heard: list[int] = field(default_factory=list)
    """Updates of the questions whose answers came in, as they came, repeated ones included."""


class Crowd:
    """The users of one bot with the two servers it talks to.

    `burst` is how many messages a user writes in a row at most, chosen by `seed`; with `groups` every second user
    writes in a group.
    """

    def __init__(self, *, burst: int = 1, seed: int = 0, groups: bool = False) -> None:
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
        self._groups = groups
        self._random = random.Random(seed)
        self._is_looping = False
        self._pause = (0.0, 0.0)
        self._open = 0
        self._answered = 0
        self._calm = asyncio.Event()

    @property
    def answered(self) -> int:
        """How many questions have an answer."""
        return self._answered

    @property
    def unanswered(self) -> list[Question]:
        """The questions without a whole answer."""
        return [question for question in self.questions.values() if not question.is_whole]

    async def until_alone(self) -> None:
        """Wait until no bot is connected and all that one has sent is read."""
        await asyncio.gather(*(server.until_alone() for server in self.servers))

    def find(self, update_id: int) -> Question | None:
        """Return the question that came with an update; None where it was something else."""
        return self._by_update.get(update_id)

    def orders(self) -> Iterator[list[int]]:
        """Yield for each user the updates of the answered questions in the order of the answers."""
        return (person.heard for person in self._people.values())

    def start(self, users: int, *, pause: tuple[float, float] = (0.0, 0.0)) -> None:
        """Let this many users write, and go on writing as they are answered, after a pause between these seconds."""
        self._is_looping = True
        self._pause = pause
        for user in range(_FIRST_USER, _FIRST_USER + users):
            self._write_on(user)

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
        """Return the questions answered within these moments."""
        return [item for item in self.questions.values() if start <= item.done < end]

    def _write_on(self, user: int) -> None:
        if self._pause[1]:
            asyncio.get_running_loop().call_later(self._random.uniform(*self._pause), self._write, user)
        else:
            self._write(user)

    def _write(self, user: int) -> None:
        if not self._is_looping:
            return
        for _ in range(self._random.randint(1, self._burst)):
            self._ask(user)

    def _ask(self, user: int) -> Question:
        person = self._people.setdefault(user, _Person())
        person.asked += 1
        person.open += 1
        self._open += 1
        mark = f"q{user}-{person.asked}"
        chat = _FIRST_GROUP - user if self._groups and user % 2 else user
        number = self.telegram.write(user, chat, f"{mark} What is the capital of France, and why is it that one?")
        question = Question(chat, mark, number, time.perf_counter())
        self.questions[mark] = self._by_update[number] = question
        return question

    def _hear(self, shown: Shown) -> None:
        found = QUESTION.search(shown.text)
        question = self.questions.get(found[0]) if found else None
        if question is None or question.chat != shown.chat:
            self.strays.append(shown.text)
            return
        user = int(question.mark[1:].partition("-")[0])
        if not shown.edited:
            question.answers.append(shown.moment)
            question.last = shown.number
            self._people[user].heard.append(question.update_id)
        if shown.number == question.last:
            question.is_whole = END in shown.text
        if question.is_whole and not question.done:
            question.done = shown.moment
            self._settle(user)

    def _settle(self, user: int) -> None:
        person = self._people[user]
        person.open -= 1
        self._open -= 1
        self._answered += 1
        if not person.open and self._is_looping:
            self._write_on(user)
        if not self._open:
            self._calm.set()

    def _note_handed(self, update_id: int, now: float) -> None:
        question = self._by_update.get(update_id)
        if question is None:
            return  # of a chat beside the crowd
        question.handed = question.handed or now

    def _note_thought(self, mark: str, seconds: float) -> None:
        if mark in self.questions:
            self.questions[mark].thought = seconds


@asynccontextmanager
async def open_crowd(*, burst: int = 1, seed: int = 0, groups: bool = False) -> AsyncIterator[Crowd]:
    """Serve Telegram and the model to one bot for the length of the block; nobody writes yet."""
    crowd = Crowd(burst=burst, seed=seed, groups=groups)
    async with serve(crowd.telegram.handle) as telegram, serve(crowd.model.handle) as model:
        crowd.servers = telegram, model
        yield crowd
