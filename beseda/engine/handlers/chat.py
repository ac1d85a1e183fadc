"""Text for the model: written messages, and the suggestions under the greeting."""

from beseda.engine.context import Context, argument
from beseda.engine.incoming import IncomingMessage, MessageKind, Press
from beseda.engine.router import Router, refuse_kind

router = Router()


@router.message(MessageKind.TEXT)
async def answer_text(context: Context) -> None:
    """Have the model answer."""
    await context.ask(await context.words())


@router.message(MessageKind.PHOTO, MessageKind.VIDEO, MessageKind.DOCUMENT, MessageKind.CONTACT, MessageKind.OTHER)
async def answer_words(context: Context) -> None:
    """Have the model answer the words that came with something it cannot read; without words refuse it."""
    assert isinstance(context.event, IncomingMessage)  # noqa: S101 - the router's promise, for the type checker
    if context.event.text or context.event.quoted:
        await context.ask(await context.words())
    else:
        await refuse_kind(context)


@router.press("ask")
async def ask_suggestion(context: Context) -> None:
    """Ask one of the bot's own suggestions, as if the person had written it."""
    assert isinstance(context.event, Press)  # noqa: S101
    await context.acknowledge()
    examples = context.bot.profile.examples
    index = int(argument(context.event.data)[0])
    if index < len(examples):
        await context.ask(context.say(examples[index]))
