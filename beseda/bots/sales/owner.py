"""Notifications to the owner: once for each lead that is ready for a consultation."""

import orjson

from beseda.bots.sales import texts
from beseda.bots.sales.sales_context import SalesContext
from beseda.core.errors import NotFoundError
from beseda.engine.context import Context
from beseda.engine.incoming import Notice
from beseda.engine.jobs.model import derive_id
from beseda.engine.router import Router
from beseda.engine.updates.model import StoredUpdate, internal_update
from beseda.features.leads.model import Lead
from beseda.features.sales.service import Talk
from beseda.telegram.markdown.escape import literal

READY = "lead_ready"


class OwnerNews:
    """Sends notices about leads to the people in `ADMIN_IDS` with a chat with the bot."""

    def __init__(self, sales: SalesContext) -> None:
        self._sales = sales

    def router(self) -> Router:
        """Return the handlers."""
        router = Router()
        router.notice(READY)(self.show)
        return router

    async def tell(self, context: Context, talk: Talk) -> None:
        """Send a notice about a lead that is ready, once to each owner. Raises StorageError."""
        bot = context.bot
        lead = await self._sales.service.take_news(talk)
        if lead is None:
            return
        places = [await self._sales.store.private_chat(talk.bot, owner) for owner in sorted(bot.options.admin_ids)]
        notices = [
            _number(internal_update(talk.bot, READY, *place, {"lead_id": lead.id}), lead, place[1].id)
            for place in places
            if place is not None
        ]
        if not notices:
            return  # no owner has a chat with the bot yet: the next message looks again
        await bot.updates.store(notices)
        for notice in notices:
            await bot.bus.publish(f"updates:{talk.bot}", {"update_id": notice.update_id})
        await self._sales.service.note_told(talk)

    async def show(self, context: Context) -> None:
        """Show the lead with the facts known about it."""
        assert isinstance(context.event, Notice)  # noqa: S101 - the router's promise, for the type checker
        try:
            lead = await self._sales.leads.find(int(str(context.event.data["lead_id"])))
        except NotFoundError:
            return  # erased since
        slots = self._sales.service.funnel.slots
        facts = [
            f"- {context.say(slots[name].title)}: {literal(slot.value)}"
            for name, slot in lead.slots.items()
            if name in slots
        ]
        fields = {"name": literal(lead.name or str(lead.user_id)), "score": lead.fit_score, "stage": lead.stage}
        await context.reply(context.say(texts.READY, **fields, number=lead.id, facts="\n".join(facts)))


def _number(update: StoredUpdate, lead: Lead, owner: int) -> StoredUpdate:
    """Return the notice with an id derived from the lead, so that a repeat after a crash is stored only once."""
    number = -derive_id(READY, lead.id, owner)
    content = {**orjson.loads(update.payload), "update_id": number}
    return StoredUpdate(update.bot, number, orjson.dumps(content), partition=update.partition, queue=update.queue)
