"""The API as it is served, with a real database behind it and real keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from fastapi import FastAPI

from beseda.api.app import api_app
from beseda.app import App, open_app
from beseda.asgi import build_api_services
from beseda.bots.catalog import Catalog
from beseda.config import load_settings
from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.serving import Listener, serve_app
from beseda.engine.files.model import FileKind, FileOwner, NewFile, StoredFile
from beseda.engine.jobs.model import Job, JobRequest
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.testing.database import make_database
from beseda.testing.scripted_model import ScriptedModel
from beseda.web.api_key import Scope
from beseda.web.dependencies import BotList

ANNA = Person(700_000_001, "Анна", "anna", "ru")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


@dataclass
class ApiServer:
    """The API, what is behind it, and a key of each scope."""

    app: App
    address: str
    session: aiohttp.ClientSession
    keys: dict[str, str]
    web: FastAPI

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self.web.openapi()

    async def call(
        self, method: str, path: str, *, scope: str = "admin", headers: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        """Ask the API with the key of a scope; "" asks without one."""
        sent = {**({"Authorization": f"Bearer {self.keys[scope]}"} if scope else {}), **(headers or {})}
        async with self.session.request(method, path, headers=sent, **options) as answer:
            body = await answer.read()
            is_json = answer.content_type in {"application/json", "application/problem+json"}
            return Answer(
                answer.status, answer.headers, body, await answer.json(content_type=None) if is_json else None
            )

    async def get(self, path: str, **options: Any) -> Answer:
        """Read something."""
        return await self.call("GET", path, **options)

    async def talk(
        self,
        bot: str = "assistant",
        person: Person = ANNA,
        said: Sequence[tuple[str, str]] = (("Привет", "Здравствуйте!"),),
    ) -> Conversation:
        """Store a conversation as a bot would have it."""
        turns = TurnRepository(self.app.engine.database, self.app.engine.clock)
        conversation = await self.app.engine.conversations.open(ChatKey(bot, person.id), ChatKind.PRIVATE, "", person)
        for question, answer in said:
            turn = Turn(new_id(), conversation, person.id, TurnKind.CHAT, input=question)
            await turns.open(turn, Message(Role.USER, question))
            turn.state = TurnState.DELIVERED
            await turns.answer(turn, Message(Role.ASSISTANT, answer), None)
        return conversation

    async def keep_file(
        self, title: str = "Интервью.txt", content: bytes = b"words", bot: str = "assistant"
    ) -> StoredFile:
        """Keep a file of Anna's."""
        new = NewFile(FileOwner(bot, ANNA.id), ANNA.id, FileKind.TRANSCRIPT, title, ".txt")
        return await self.app.engine.files.save(new, content)

    async def enqueue(self, kind: str = "photo.enhance", bot: str = "assistant") -> Job:
        """Store a job of Anna's that nobody works on."""
        return await JobRepository(self.app.engine.database, self.app.engine.clock).add(
            JobRequest(new_id(), kind, {}, bot, ANNA.id, ANNA.id)
        )


@asynccontextmanager
async def serve_api(folder: Path, **environ: str) -> AsyncIterator[ApiServer]:
    """Serve the API for the length of the block; `environ` are settings."""
    settings = load_settings(None, {}, {"STORAGE_DIR": str(folder / "data"), **environ})
    model = ScriptedModel(fallback="yes")
    if not settings.database_url:
        await make_database(settings.storage_dir / "beseda.db")
    async with open_app(settings, model=model) as app, serve_app_api(folder, app) as server:
        yield server


@asynccontextmanager
async def serve_app_api(
    folder: Path, app: App, names: Sequence[str] = ("assistant", "llama")
) -> AsyncIterator[ApiServer]:
    """Serve the API of a process that does other things as well; `names` are the bots that it knows."""
    async with AsyncExitStack() as stack:
        catalog = Catalog([folder / "bots"])
        bots = BotList([catalog.load(name) for name in names])
        web = api_app(build_api_services(app, {"database": app.list_checks()["database"]}, bots))
        listener = Listener("127.0.0.1", 0)
        stack.callback(listener.close)
        await stack.enter_async_context(serve_app(web, listener))
        session = await stack.enter_async_context(aiohttp.ClientSession(listener.address))
        keys = {scope.value: (await app.features.api_keys.create(f"{scope.value}er", scope))[1] for scope in Scope}
        yield ApiServer(app, listener.address, session, keys, web)


async def at_once(count: int, call: Any) -> list[Answer]:
    """Make the same call so many times side by side."""
    return list(await asyncio.gather(*(call() for _ in range(count))))
