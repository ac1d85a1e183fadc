"""A button that is pressed twice starts its work once.

The second press waits behind the work of the first, so its turn comes when that ends: the note of the first press is
renewed then, and holds for the seconds in which a press cannot be a new wish.
"""

from beseda.engine.context import Context
from beseda.engine.incoming import Press
from beseda.engine.router import Handler

ASKING = ("ask:", "retry:", "action:", "job:again:", "photo:")  # data of buttons that start work
_WORK = 900.0  # seconds that the work of a press may take while its note holds
_AFTER = 2.0  # seconds after its end


async def drop_double_press(context: Context, handler: Handler) -> None:
    """Acknowledge a second press of a button that starts work, and let everything else through."""
    event = context.event
    if not isinstance(event, Press) or not event.data.startswith(ASKING):
        await handler(context)
        return
    chat, cache = event.place.chat, context.bot.cache
    key = f"pressed:{context.bot.me.id}:{chat.chat_id}:{event.message_id}:{context.person.id}:{event.data}"
    own = b"%d" % event.place.update_ids[0]  # a press that comes again after a crash finds its own number
    if await cache.get(key) not in {None, own}:
        await context.acknowledge()
        return
    await cache.set(key, own, ttl=_WORK)
    await handler(context)
    await cache.set(key, own, ttl=_AFTER)
