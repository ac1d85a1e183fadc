"""Settings of the API that are services: `api_app` and the routes receive them by type."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from beseda.engine.bot import BotProfile


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """How much a key may ask: `rate` requests a minute (0: no limit), `body` bytes in one request.

    `hosts` are the public names under which pages without a key answer.
    """

    rate: int = 600
    body: int = 1024 * 1024
    cors_origins: Sequence[str] = ()
    hosts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BotList:
    """The known bots. `running` returns the names of those running in this process; None if no bots run in it."""

    profiles: Sequence[BotProfile] = ()
    running: Callable[[], Set[str]] | None = None
