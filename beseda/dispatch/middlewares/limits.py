"""How fast one person may write: a polite notice at the limit, once and not for each message."""

from beseda.dispatch.context import Context
from beseda.dispatch.events import IncomingMessage
from beseda.dispatch.router import Handler
from beseda.errors import RateLimitedError
from beseda.storage.base import Rate

RATES = (Rate(limit=15, seconds=60), Rate(limit=80, seconds=3600))


async def limit_messages(context: Context, handler: Handler) -> None:
    """Let a message through unless its sender has used up a rate; events of other kinds always pass."""
    desk = context.desk
    if not desk.limited or not isinstance(context.event, IncomingMessage) or context.event.place.turn_id is not None:
        await handler(context)
        return
    who = f"{desk.me.id}:{context.person.id}"
    wait = await desk.limiter.hit(f"messages:{who}", RATES)
    if wait <= 0:
        await handler(context)
    elif await desk.cache.add(f"limited:{who}", b"1", ttl=wait):
        await context.refuse(RateLimitedError(f"user {context.person.id}, {wait:.0f} s", retry_after=wait))
