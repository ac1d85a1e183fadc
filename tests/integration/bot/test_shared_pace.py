"""Two processes that send for one bot at once keep its pace together, as a replica and a worker with a broadcast do."""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.parts.redis import RedisServer

_RATE = 30.0
_BURST = 30
_AHEAD = 8  # tokens that two processes may hold, taken in blocks of five

_SPEAKER = """
import asyncio, sys, time
from redis.asyncio import Redis
from beseda.core.clock import SystemClock
from beseda.ephemeral.redis.rate_limit import RedisTokenBucket
from beseda.telegram.pacing import Pacer

async def speak(url, calls):
    redis = Redis.from_url(url)
    pacer = Pacer(SystemClock(), bot=7, tokens=RedisTokenBucket(redis))
    for _ in range(calls):
        await pacer.wait_for_bot()
        print(time.time(), flush=True)
    await redis.aclose()

asyncio.run(speak(sys.argv[1], int(sys.argv[2])))
"""


async def test_two_processes_keep_thirty_a_second_together(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        async with asyncio.timeout(30):
            spoken = await asyncio.gather(_speak(server.url, 75), _speak(server.url, 75))
    finally:
        server.stop()
    moments = sorted(itertools.chain(*spoken))
    assert len(moments) == 150
    for first, start in enumerate(moments):
        for last in range(first, len(moments)):
            assert last - first + 1 <= _BURST + _AHEAD + (moments[last] - start) * _RATE + 1


async def _speak(url: str, calls: int) -> list[float]:
    """Make calls as fast as one may, in a process of its own; return when each was made."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SPEAKER, url, str(calls), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [float(line) for line in out.split()]
