"""Several `beseda bot` processes on one PostgreSQL and one Redis, and people who write to them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import orjson

from botapi_sandbox import BotAccount, RunningSandbox, SandboxPerson, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program, Service
from tests.parts.balancer import Balancer, open_balancer
from tests.parts.echo_model import EchoModel, serve_echo
from tests.parts.postgres import find_free_port
from tests.parts.waiting import eventually

TOKEN = "7100000001:token-for-tests-token-for-tests"
LEASE = 2.0
_CROWD = tuple(SandboxPerson(7000000100 + number, f"User {number}", language_code="en") for number in range(10))


@dataclass
class Replicas:
    """What a test needs to run replicas and to talk to them."""

    program: Program
    sandbox: RunningSandbox
    balancer: Balancer
    model: EchoModel
    people: list[SandboxUser]
    stack: AsyncExitStack
    running: list[Service] = field(default_factory=list)
    said: dict[int, list[str]] = field(default_factory=dict)

    async def start(self, *, webhook: bool = True) -> Service:
        """Start another replica; with `webhook` the balancer knows it once it is up."""
        port = find_free_port()
        program = self.program
        if webhook:
            program = program.with_environ(BESEDA_PUBLIC_URL=self.balancer.url, BESEDA_WEBHOOK_SECRET="secret_1")
            self.balancer.backends.append(f"http://127.0.0.1:{port}")
        service = await self.stack.enter_async_context(program.serve("bot", port=port))
        self.running.append(service)
        return service

    async def stop(self, service: Service, how: signal.Signals = signal.SIGTERM) -> int:
        """End a replica; the balancer finds out by itself, as balancers do."""
        self.running.remove(service)
        return await service.stop(how)

    async def say(self, text: str) -> None:
        """Have everybody write the same, at once."""
        for person in self.people:
            self.said.setdefault(person.user_id, []).append(text)
        await asyncio.gather(*(person.say(text) for person in self.people))

    async def answers(self, person: SandboxUser) -> list[str]:
        """Return what the bot has said to somebody."""
        return [message["text"] for message in await person.history() if message["from"]["is_bot"]]

    async def wait_until_answered(self, within: float = 20.0) -> None:
        """Wait until everybody has as many answers as questions."""

        async def is_answered() -> bool:
            found = await asyncio.gather(*map(self.answers, self.people))
            return all(
                len(texts) >= len(self.said[person.user_id]) for person, texts in zip(self.people, found, strict=True)
            )

        await eventually(is_answered, within=within)

    async def check(self) -> None:
        """Fail unless everybody got one answer to each question, in order."""
        for person in self.people:
            assert await self.answers(person) == [f"re: {text}" for text in self.said[person.user_id]]


async def find_parts(database: str, number: int) -> frozenset[int]:
    """Return the parts of the chats that the process of this number has."""
    connection = await asyncpg.connect(database)
    try:
        owners = orjson.loads(await connection.fetchval("SELECT owners FROM territories") or "{}")
    finally:
        await connection.close()
    return frozenset(part for name, parts in owners.items() if f":{number}:" in name for part in parts)


@asynccontextmanager
async def open_replicas(program: Program, database: str, redis: str | None, folder: Path) -> AsyncIterator[Replicas]:
    """Bring up everything but the replicas."""
    async with AsyncExitStack() as stack:
        account = BotAccount(TOKEN, "assistant_bot", "A")
        settings = SandboxSettings((account,), folder / "sandbox", users=_CROWD, webhook_retry_seconds=0.1)
        sandbox = await stack.enter_async_context(serve_sandbox(settings))
        balancer = await stack.enter_async_context(open_balancer())
        model = await stack.enter_async_context(serve_echo())
        people = [
            await stack.enter_async_context(SandboxUser(sandbox.base_url, user.id, f"assistant_bot:{user.id}"))
            for user in _CROWD
        ]
        environ = {
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": sandbox.base_url,
            "DATABASE_URL": database,
            "BESEDA_LIMITS": "off",
            "BESEDA_LEASE": str(LEASE),
            "BESEDA_MODEL": "openai:echo",
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": model.url,
            **({"REDIS_URL": redis} if redis else {}),
        }
        yield Replicas(program.with_environ(**environ), sandbox, balancer, model, people, stack)
