"""The circuit breaker for Redis."""

import asyncio

from beseda.core.errors import StorageError
from beseda.ephemeral.redis.outage import Outage


async def test_calls_that_time_out_at_one_moment_all_fail_alike() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    outage = Outage(hang)
    results = await asyncio.gather(*(outage.attempt(hang) for _ in range(20)), return_exceptions=True)
    await outage.close()
    assert {type(result) for result in results} == {StorageError}
