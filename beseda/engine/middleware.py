"""What an event passes on the way to its handler, in this order (a feature may put its own between them).

    guard_access       a stranger is turned away where `ADMIN_IDS` is set
    drop_double_press  a button that is pressed twice starts its work once
    limit_messages     a message waits until the limits allow it; none is dropped
    charge_person      the calls of the handler count against budgets

A message counts at the time at which it was written, by Telegram's date: a backlog after an outage is no flood. A
message that is too early reserves its place and waits for it in the queue of its chat, in the database like every
other. The limits are a second between two messages of one person, so many of one person in a minute and an hour, and so
many of all people to one bot, and to all bots, in a minute.

The second press of a button waits behind the work of the first, so its turn comes when that ends: the note of the first
press is renewed then, and holds for the seconds in which a press cannot be a new wish.
"""

from beseda.core.chat import ChatKind
from beseda.core.errors import AccessDeniedError, RateLimitedError
from beseda.engine.bot import Access
from beseda.engine.context import Context
from beseda.engine.incoming import Event, IncomingMessage, Press
from beseda.engine.router import Handler
from beseda.engine.usage.budget_service import BudgetService, Payer, paying
from beseda.ephemeral.base import Rate, RateLimiter
from beseda.locales.errors import error_text, explain

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
            await context.acknowledge(error_text(RateLimitedError).say(context.language))
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


_REFUSE_AGAIN = 3600.0  # seconds between two refusals to one stranger


async def guard_access(context: Context, handler: Handler) -> None:
    """Let permitted people through. Refuse a stranger's messages once an hour, and their button presses always."""
    if _is_guest(context):
        await handler(context)
        return
    error = AccessDeniedError(f"user {context.person.id}")
    if isinstance(context.event, Press):
        await context.acknowledge(explain(error, context.language), alert=True)
    elif await context.bot.cache.add(f"refused:{context.bot.me.id}:{context.person.id}", b"1", ttl=_REFUSE_AGAIN):
        await context.refuse(error)


def _is_guest(context: Context) -> bool:
    bot = context.bot
    if bot.profile.access is not Access.ADMINS or not bot.options.admin_ids:
        return True
    # Only messages and presses are requests of a person. A group that moves has none, and a block asks for nothing.
    return not isinstance(context.event, IncomingMessage | Press) or context.person.id in bot.options.admin_ids


async def charge_person(context: Context, handler: Handler, budgets: BudgetService) -> None:
    """Count the calls of the handler against budgets. If no budget limits the bot, only run the handler."""
    bot, place = context.bot, context.event.place
    if not budgets.rules_of(bot.profile.name).limits_anything():
        await handler(context)
        return
    group = None if place.kind is ChatKind.PRIVATE else place.chat.chat_id
    # The update is the same after a crash, and another one asks again.
    key = str(place.update_ids[0]) if place.update_ids else ""
    with paying(Payer(budgets, bot.profile.name, context.person.id, group, key)):
        await handler(context)


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
