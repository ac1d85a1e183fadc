"""Consent and contacts: requested once, dated, proven by a message, and revocable at any time."""

from beseda.bots.sales import texts
from beseda.bots.sales.sales_context import SalesContext
from beseda.engine.context import Context, argument
from beseda.engine.handlers.history import keep_private
from beseda.engine.incoming import IncomingMessage, MessageKind, Press
from beseda.engine.router import Router
from beseda.features.sales.service import PROFILE
from beseda.telegram.keyboards import Button, Keyboard, Markup, ReplyKeyboard


def consent_keyboard(language: str) -> Keyboard:
    """Return the two buttons that answer the question for consent."""
    return [
        [Button(texts.ALLOW.say(language), "consent:yes"), Button(texts.FORBID.say(language), "consent:no")],
    ]


class Consents:
    """`/consent`, `/contact`, the buttons of the question, and shared contacts."""

    def __init__(self, sales: SalesContext) -> None:
        self._sales = sales

    def router(self) -> Router:
        """Return the handlers."""
        router = Router()
        router.command("consent", wordless=True)(self.show)
        router.command("contact", wordless=True)(self.offer)
        router.press("consent")(self.decide)
        router.message(MessageKind.CONTACT)(self.take_contact)
        return router

    async def show(self, context: Context) -> None:
        """Show whether contacts are kept and since when, with a button to change it."""
        if not await keep_private(context):
            return
        service, talk = self._sales.service, await self._sales.talk(context)
        lead = await service.find_lead(talk)
        own = [one for one in await service.leads.consents(lead.id) if one.user_id == context.person.id]
        given = [one.given_at for one in own if one.holds and one.kind is PROFILE and one.given_at]
        if given:
            button = Button(context.say(texts.REVOKE), "consent:revoke")
            await context.reply(context.say(texts.HOLDS, date=f"{given[-1]:%d.%m.%Y}"), [[button]])
            return
        await service.note_asked(talk)
        await context.reply(context.say(texts.HOLDS_NOT), consent_keyboard(context.language))

    async def decide(self, context: Context) -> None:
        """Store a consent, a refusal or a revocation."""
        assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
        choice = "".join(argument(context.event.data))
        words = {"yes": texts.ALLOW, "no": texts.FORBID, "revoke": texts.REVOKE}.get(choice)
        await context.acknowledge()
        if words is None:
            return
        service, talk = self._sales.service, await self._sales.talk(context)

        async def respond(message_id: int) -> tuple[str, Markup]:
            if choice == "yes":
                kept = await service.give_consent(talk, message_id)
                return context.say(texts.KEPT if kept else texts.ALLOWED), ()
            await service.revoke_consent(talk, message_id)
            return context.say(texts.REVOKED if choice == "revoke" else texts.NOT_KEPT), ()

        await self._sales.converse(context, context.say(words), respond)

    async def offer(self, context: Context) -> None:
        """Show the button that sends the person's number."""
        if await keep_private(context):
            await context.reply(context.say(texts.SHARE), ReplyKeyboard((), contact=context.say(texts.SHARE_BUTTON)))

    async def take_contact(self, context: Context) -> None:
        """Store the sender's number. A contact of another person is refused."""
        assert isinstance(context.event, IncomingMessage)  # noqa: S101
        contact = context.event.contact
        if not await keep_private(context) or contact is None:
            return
        if contact.user_id != context.person.id:
            await context.reply(context.say(texts.NOT_YOURS))
            return
        # Telegram leaves the plus out for some clients.
        phone = contact.phone if contact.phone.startswith("+") else f"+{contact.phone}"
        talk = await self._sales.talk(context)

        async def respond(message_id: int) -> tuple[str, Markup]:
            kept = await self._sales.service.keep_contact(talk, "phone", phone, message_id)
            words = context.say(texts.THANKS_FOR_NUMBER, phone=phone) if kept else context.say(texts.BAD_NUMBER)
            return words, ReplyKeyboard(())

        await self._sales.converse(context, context.say(texts.MY_NUMBER, phone=phone), respond)
