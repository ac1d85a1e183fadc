"""`/start` of a sales bot: the link that a person followed is the source of their lead."""

from beseda.bots.sales.sales_context import SalesContext, is_private
from beseda.engine.context import Context
from beseda.engine.handlers.start import greet
from beseda.engine.router import Router, read_payload


class Arrival:
    """Greets, and stores the payload of a link like `https://t.me/your_bot?start=spring-sale`."""

    def __init__(self, sales: SalesContext) -> None:
        self._sales = sales

    def router(self) -> Router:
        """Return the handlers."""
        router = Router()
        router.command("start", wordless=True)(self.start)
        return router

    async def start(self, context: Context) -> None:
        """Store the source of the lead, then greet."""
        if is_private(context) and (payload := read_payload(context)):
            await self._sales.service.note_source(await self._sales.talk(context), payload)
        await greet(context)
