"""Rate limits on the messages of people. No message is dropped: it waits until it is due.

    gap       a second between two messages of one person
    person    so many messages a minute and an hour
    crowd     so many messages of all people to one bot, and to all bots, in a minute

A message counts at the time at which it was written, by Telegram's date: a backlog after an outage is no flood. A
message that is too early reserves its place and waits for it in the queue of its chat, in the database like every
other.
"""

from beseda.core.errors import RateLimitedError
from beseda.engine.context import Context
from beseda.engine.incoming import Event, IncomingMessage, Press
from beseda.engine.middleware.presses import ASKING
from beseda.engine.router import Handler
from beseda.ephemeral.base.rate_limit import Rate, RateLimiter

_ALBUM = 60.0  # seconds that the rest of an album has to come: ten files at most
RATES = (Rate(limit=15, seconds=60), Rate(limit=80, seconds=3600))
GAP = Rate(limit=1, seconds=1)
_OLDEST = 86_400.0  # seconds: Telegram keeps updates for a day


class Postponed(Exception):  # noqa: N818 - not an error: the message will be worked on
    """A message is not to be worked on before so many `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"due in {seconds:.1f} s")
        self.seconds = seconds


async def limit_messages(context: Context, handler: Handler, limiter: RateLimiter) -> None:
    """Let a message through as soon as the limits allow. Events that start no work always pass.

    Raise Postponed for a message that is not due yet; it passes when it is tried again.
    """
    bot = context.bot
    if not bot.options.limited or not _asks(context.event) or context.event.place.turn_id is not None:
        await handler(context)
        return
    who = f"{bot.me.id}:{context.person.id}"
    if not context.admitted:
        context.admitted = True
        await _take_place(context, who, limiter)
    await handler(context)


async def _take_place(context: Context, who: str, limiter: RateLimiter) -> None:
    """Count a message at the time at which it was written. Raise Postponed if it is not due yet."""
    bot, album = context.bot, _album_key(context, who)
    if album and not await bot.cache.add(album, b"1", ttl=_ALBUM):
        return  # of an album that was counted: sent at once, it is one thing said
    age = _age(context)
    limits = bot.options.limits
    rates = _rates((limits.user_minute, 60.0), (limits.user_hour, 3600.0))
    wait = await limiter.reserve(f"messages:{who}", (*rates, GAP), age=age)
    for name, limit in (
        (f"bot:{bot.me.id}", bot.options.limits.bot_minute),
        ("total", bot.options.limits.total_minute),
    ):
        if limit:
            place = await limiter.reserve(f"messages:{name}", _rates((limit, 60.0)), age=age)
            wait = max(wait, place)
    if wait > 0:
        if wait > GAP.seconds and isinstance(context.event, Press):
            await context.acknowledge(RateLimitedError.text.say(context.language))
        raise Postponed(wait)


def _age(context: Context) -> float:
    """Return the seconds since a message was written, or 0 if the time is unknown or in the future."""
    written = context.event.written_at if isinstance(context.event, IncomingMessage) else 0
    age = context.bot.clock.now().timestamp() - written if written else 0.0
    return min(max(0.0, age), _OLDEST)


def _rates(*limits: tuple[int, float]) -> tuple[Rate, ...]:
    return tuple(Rate(limit, seconds) for limit, seconds in limits if limit)


def _asks(event: Event) -> bool:
    """Return whether the event is a message, or a button that stands for one; a stop must never wait."""
    if isinstance(event, IncomingMessage):
        return event.command != "stop"
    return isinstance(event, Press) and event.data.startswith(ASKING)


def _album_key(context: Context, who: str) -> str:
    """Return the key under which an admitted album is remembered, or an empty string if there is no album."""
    album = context.event.album if isinstance(context.event, IncomingMessage) else ""
    return f"album:{who}:{album}" if album else ""
