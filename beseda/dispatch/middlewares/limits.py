"""How fast people may write: a polite notice at the limit, once and not for each message.

    gap       a second between two messages of one person: the later one waits in its lane, nobody is refused for haste
    person    so many messages a minute and an hour
    crowd     so many messages of everybody to one bot, and to all bots, in a minute

Who is over the limit is kept in the state store: a restart does not forget it.
"""

from beseda.dispatch.context import Context
from beseda.dispatch.events import Event, IncomingMessage, Press
from beseda.dispatch.middlewares.presses import ASKING
from beseda.dispatch.router import Handler
from beseda.errors import RateLimitedError
from beseda.storage.base.rate_limit import Rate

_ALBUM = 60.0  # seconds that the rest of an album has to come: ten files at most
RATES = (Rate(limit=15, seconds=60), Rate(limit=80, seconds=3600))
GAP = Rate(limit=1, seconds=1)


async def limit_messages(context: Context, handler: Handler) -> None:
    """Let a message through unless a limit is reached; what asks for no work always passes."""
    desk = context.desk
    if not desk.limited or not _asks(context.event) or context.event.place.turn_id is not None:
        await handler(context)
        return
    who = f"{desk.me.id}:{context.person.id}"
    album = _album_key(context, who)
    if album and await desk.cache.get(album):
        await handler(context)  # of an album that was let in: sent at once, it is one thing said
        return
    error = await _find_reason(context, who)
    if error is not None:
        await _refuse(context, who, error)
        return
    if album:
        await desk.cache.set(album, b"1", ttl=_ALBUM)
    await handler(context)


async def _find_reason(context: Context, who: str) -> RateLimitedError | None:
    """Return why a message is not to be worked on; None where it is. A message within the gap waits here."""
    desk = context.desk
    blocked = await desk.state.get(_block_key(who))
    if blocked is not None:
        left = float(str(blocked.get("until", 0))) - desk.clock.now().timestamp()
        if left > 0:
            return RateLimitedError(f"user {context.person.id} is blocked", retry_after=left)
    rates = _rates((desk.limits.user_minute, 60.0), (desk.limits.user_hour, 3600.0))
    wait = await _hit_gently(context, f"messages:{who}", rates)
    if wait > 0:
        return RateLimitedError(f"user {context.person.id}, {wait:.0f} s", retry_after=wait)
    return await _find_crowd(context)


async def _hit_gently(context: Context, key: str, rates: tuple[Rate, ...]) -> float:
    """Count a message; wait for its turn where that is a second away at most, else return the seconds until then."""
    desk = context.desk
    while (wait := await desk.limiter.hit(key, (*rates, GAP))) > 0:
        if wait > GAP.seconds:
            return wait
        await desk.clock.sleep(wait)
    return 0.0


async def _find_crowd(context: Context) -> RateLimitedError | None:
    desk = context.desk
    for name, limit in ((f"bot:{desk.me.id}", desk.limits.bot_minute), ("total", desk.limits.total_minute)):
        if limit and (wait := await desk.limiter.hit(f"messages:{name}", _rates((limit, 60.0)))) > 0:
            return RateLimitedError(f"{name}: more than {limit} messages a minute", retry_after=max(wait, 5.0))
    return None


async def _refuse(context: Context, who: str, error: RateLimitedError) -> None:
    """Say no: at a button always, to a message once for as long as the limit holds."""
    desk, wait = context.desk, error.retry_after or 1.0
    if isinstance(context.event, Press):
        await context.acknowledge(error.say(context.language), alert=True)
        return
    told = f"limited:{who}"
    if not await desk.cache.add(told, b"1", ttl=wait):
        return
    if await desk.state.get(_block_key(who)) is None:
        await desk.state.set(_block_key(who), {"until": desk.clock.now().timestamp() + wait}, ttl=wait)
        await context.refuse(error)


def _rates(*limits: tuple[int, float]) -> tuple[Rate, ...]:
    return tuple(Rate(limit, seconds) for limit, seconds in limits if limit)


def _block_key(who: str) -> str:
    return f"blocked:{who}"


def _asks(event: Event) -> bool:
    """Return whether the event is a message, or a button that stands for one; a stop must never wait."""
    if isinstance(event, IncomingMessage):
        return event.command != "stop"
    return isinstance(event, Press) and event.data.startswith(ASKING)


def _album_key(context: Context, who: str) -> str:
    """Return the key under which an album that was let in is remembered; empty for what is no part of one."""
    album = context.event.album if isinstance(context.event, IncomingMessage) else ""
    return f"album:{who}:{album}" if album else ""
