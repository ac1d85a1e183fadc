"""How fast one person may write: a polite notice at the limit, once and not for each message."""

from beseda.dispatch.context import Context
from beseda.dispatch.events import Event, IncomingMessage, Press
from beseda.dispatch.router import Handler
from beseda.errors import RateLimitedError
from beseda.storage.base.rate_limit import Rate

_ASKING = ("ask:", "retry:", "action:", "job:again:", "photo:")
_ALBUM = 60.0  # seconds that the rest of an album has to come: ten files at most
RATES = (Rate(limit=15, seconds=60), Rate(limit=80, seconds=3600))


async def limit_messages(context: Context, handler: Handler) -> None:
    """Let a message through unless its sender has used up a rate; what asks for no work always passes."""
    desk = context.desk
    if not desk.limited or not _asks(context.event) or context.event.place.turn_id is not None:
        await handler(context)
        return
    who = f"{desk.me.id}:{context.person.id}"
    album = _album_key(context, who)
    if album and await desk.cache.get(album):
        await handler(context)  # of an album that was let in: sent at once, it is one thing said
        return
    wait = await desk.limiter.hit(f"messages:{who}", RATES)
    if wait <= 0:
        if album:
            await desk.cache.set(album, b"1", ttl=_ALBUM)
        await handler(context)
        return
    error = RateLimitedError(f"user {context.person.id}, {wait:.0f} s", retry_after=wait)
    if isinstance(context.event, Press):
        await context.acknowledge(error.say(context.language), alert=True)
    elif await desk.cache.add(f"limited:{who}", b"1", ttl=wait):
        await context.refuse(error)


def _asks(event: Event) -> bool:
    """Return whether the event is a message, or a button that stands for one."""
    return isinstance(event, IncomingMessage) or (isinstance(event, Press) and event.data.startswith(_ASKING))


def _album_key(context: Context, who: str) -> str:
    """Return the key under which an album that was let in is remembered; empty for what is no part of one."""
    album = context.event.album if isinstance(context.event, IncomingMessage) else ""
    return f"album:{who}:{album}" if album else ""
