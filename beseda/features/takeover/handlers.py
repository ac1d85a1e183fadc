"""Messages that an operator writes in place of the bot."""

from beseda.core.message import Message, Role
from beseda.engine.context import Context
from beseda.engine.incoming import Notice
from beseda.engine.router import Router
from beseda.features.takeover.service import OPERATOR_MESSAGE

router = Router()


@router.notice(OPERATOR_MESSAGE)
async def send_message(context: Context) -> None:
    """Send it, and keep it as part of the conversation: the model will know of it once the bot answers again."""
    assert isinstance(context.event, Notice)  # noqa: S101 - the router's promise, for the type checker
    data = context.event.data
    said = Message(Role.ASSISTANT, str(data["text"]), str(data["operator"]))
    await context.reply(str(data["markdown"]), said=said)
