"""Rate limits by sliding windows in Redis, shared by all replicas."""

from collections.abc import Sequence

from redis.asyncio import Redis

from beseda.ephemeral.base import Quota, Rate
from beseda.ephemeral.redis.connection import guard

# One sorted set per key: the times of the latest events in microseconds by the server's clock, so that replicas whose
# clocks differ agree. ARGV holds pairs of limit and window. A rate is used up when its limit-th latest event is still
# inside its window; it frees a place when that event leaves. Times are written with %.0f: Lua's own way of turning
# such a number into text keeps 14 digits.
_HIT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wait, longest, most = 0, 0, 0
for i = 1, #ARGV, 2 do
  local limit, span = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  longest, most = math.max(longest, span), math.max(most, limit)
  if limit <= 0 then
    wait = math.max(wait, span)
  else
    local event = redis.call('ZREVRANGE', KEYS[1], limit - 1, limit - 1, 'WITHSCORES')
    if event[2] then wait = math.max(wait, tonumber(event[2]) + span - now) end
  end
end
if wait > 0 or most == 0 then return string.format('%.0f', wait) end
while redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now), string.format('%.0f', now)) == 0 do
  now = now + 1
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -most - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(longest / 1000))
return '0'
"""


# The same set of times for one rate. Returned: the wait, how many events are left, and when there is one more.
_SPEND = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limit, span = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - span))
local spent = redis.call('ZCARD', KEYS[1])
if spent >= limit then
  local event = redis.call('ZREVRANGE', KEYS[1], limit - 1, limit - 1, 'WITHSCORES')
  local wait = string.format('%.0f', tonumber(event[2]) + span - now)
  return {wait, '0', wait}
end
while redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now), string.format('%.0f', now)) == 0 do
  now = now + 1
end
redis.call('PEXPIRE', KEYS[1], math.ceil(span / 1000))
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {'0', string.format('%.0f', limit - spent - 1), string.format('%.0f', tonumber(first[2]) + span - now)}
"""


# The same set of times, and the age of the event in microseconds before the pairs. Times may lie in the future.
_RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local allowed, longest, most = now - tonumber(ARGV[1]), 0, 0
for i = 2, #ARGV, 2 do
  local limit, span = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  longest, most = math.max(longest, span), math.max(most, limit)
  local event = redis.call('ZREVRANGE', KEYS[1], limit - 1, limit - 1, 'WITHSCORES')
  if event[2] then allowed = math.max(allowed, tonumber(event[2]) + span) end
end
if most == 0 then return '0' end
while redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', allowed), string.format('%.0f', allowed)) == 0 do
  allowed = allowed + 1
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -most - 1)
local wait = math.max(0, allowed - now)
redis.call('PEXPIRE', KEYS[1], math.ceil((wait + longest) / 1000))
return string.format('%.0f', wait)
"""


class RedisRateLimiter:
    """Sliding windows under prefixed keys."""

    def __init__(self, redis: Redis, *, prefix: str = "beseda:rate:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._hit = redis.register_script(_HIT)
        self._spend = redis.register_script(_SPEND)
        self._reserve = redis.register_script(_RESERVE)

    async def spend(self, key: str, rate: Rate) -> Quota:
        """Count an event unless the rate is used up, and return the remaining quota. Raises StorageError."""
        with guard():
            found = await self._spend(keys=[self._prefix + key], args=[rate.limit, round(rate.seconds * 1_000_000)])
        wait, left, renewed = map(int, found)
        return Quota(wait / 1_000_000, left, renewed / 1_000_000)

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed.

        A rejected event is not counted. Raises StorageError.
        """
        arguments = [number for rate in rates for number in (rate.limit, round(rate.seconds * 1_000_000))]
        with guard():
            wait = await self._hit(keys=[self._prefix + key], args=arguments)
        return int(wait) / 1_000_000

    async def reserve(self, key: str, rates: Sequence[Rate], *, age: float = 0.0) -> float:
        """Count an event of `age` seconds ago at the time when the rates allow it. Return the seconds until then.

        Raises StorageError.
        """
        if not rates:
            return 0.0
        pairs = [number for rate in rates for number in (rate.limit, round(rate.seconds * 1_000_000))]
        with guard():
            wait = await self._reserve(keys=[self._prefix + key], args=[round(age * 1_000_000), *pairs])
        return int(wait) / 1_000_000


# A hash per key: the level of the bucket and the server's time of it in microseconds.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wanted, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = burst
if held[1] then level = math.min(burst, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * rate / 1000000) end
local taken = math.max(0, math.min(wanted, math.floor(level + 1e-9)))
redis.call('HSET', KEYS[1], 'level', string.format('%.9f', level - taken), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
if taken > 0 then return {taken, '0'} end
return {0, string.format('%.6f', (1 - level) / rate)}
"""


class RedisTokenBucket:
    """Token buckets under prefixed keys, shared by all processes."""

    block = 5

    def __init__(self, redis: Redis, *, prefix: str = "beseda:tokens:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = redis.register_script(_TAKE)

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens. Return their number and, if it is 0, the seconds until a token is available.

        Raises StorageError.
        """
        with guard():
            taken, wait = await self._take(keys=[self._prefix + key], args=[wanted, rate, burst])
        return int(taken), float(wait)
