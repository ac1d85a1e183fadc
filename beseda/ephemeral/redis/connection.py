"""The connection to Redis: every wait has a time limit, every failure is a StorageError."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from beseda.core.errors import SettingsError, StorageError

_SECONDS = 5.0
_CONNECTIONS = 32


async def open_redis(url: str) -> Redis:
    """Connect to the server at `url` and check that it answers; close with `aclose()`.

    Raises SettingsError for an invalid URL, StorageError if there is no answer within five seconds.
    """
    client = build_client(url)
    try:
        with guard():
            await client.ping()
    except StorageError:
        await client.aclose()
        raise
    return client


def build_client(url: str) -> Redis:
    """Return a client that connects at its first command. Raises SettingsError."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            socket_keepalive=True,
            health_check_interval=30,
            # Once, for a connection that died while idle. Not after a time-out: the command may have been done, and
            # a message added twice is worse than an error.
            retry=Retry(ConstantBackoff(0.05), 1, supported_errors=(RedisConnectionError,)),
        )
    except (ValueError, TypeError):
        # The URL may hold a password: it is not repeated.
        raise SettingsError("REDIS_URL cannot be read. Use redis://:password@host:6379/0") from None
    return Redis.from_pool(pool)


@contextmanager
def guard() -> Iterator[None]:
    """Convert errors of the client and the network into StorageError, and raise a cancellation that the client lost.

    The client waits with `asyncio.wait_for`. Before Python 3.12 that function loses a cancellation that arrives
    together with the awaited result (https://github.com/python/cpython/issues/86296), and the task would never end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except (RedisError, OSError) as error:
        raise StorageError(f"Redis failed: {type(error).__name__}: {str(error)[:200]}") from error
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError


def to_milliseconds(seconds: float) -> int:
    """Return a time to live in the form that Redis accepts: an integer above zero."""
    return max(1, round(seconds * 1000))
