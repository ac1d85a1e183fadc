"""Text for the model: what is written, and the suggestions under the greeting."""

from beseda.dispatch.context import Context, argument
from beseda.dispatch.events import IncomingMessage, Kind, Press
from beseda.dispatch.router import Router

router = Router()


@router.message(Kind.TEXT)
async def answer_text(context: Context) -> None:
    """Have the model answer."""
    assert isinstance(context.event, IncomingMessage)  # noqa: S101 - the router's promise, for the type checker
    await context.ask(context.event.text)


@router.press("ask")
async def ask_suggestion(context: Context) -> None:
    """Ask one of the bot's own suggestions, as if the person had written it."""
    assert isinstance(context.event, Press)  # noqa: S101
    await context.acknowledge()
    examples = context.desk.profile.examples
    index = int(argument(context.event.data)[0])
    if index < len(examples):
        await context.ask(context.say(examples[index]))
