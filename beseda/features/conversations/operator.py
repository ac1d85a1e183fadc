"""An operator in a conversation: writes in place of the bot, takes the conversation over, gives it back."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.services import Services
from beseda.features.conversations.model import ConversationLine
from beseda.features.conversations.queries import ConversationList
from beseda.features.conversations.routes import TakeoverOut, find
from beseda.features.takeover.service import OperatorMessage, TakeoverService
from beseda.telegram.markdown.escape import literal
from beseda.web.api_key import ApiKey
from beseda.web.auth import WRITE
from beseda.web.fields import Line, RowId, StrictModel, Words
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

Operator = Annotated[
    Line | None, Field(description="Name of the operator in the transcript; the key's name if omitted.")
]


class NewMessage(StrictModel):
    """A message from an operator."""

    text: Annotated[Words, Field(description="Sent in as many messages as Telegram needs.")]
    operator: Operator = None
    markup: Annotated[Literal["none", "markdown"], Field(description="Whether the text is Markdown.")] = "none"

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "This is Maria from sales. How can I help?", "operator": "Maria"}]}
    )


class AcceptedMessage(BaseModel):
    """A message that will be sent, in its turn, as soon as the bot runs. Then it stands in the transcript."""

    id: str
    conversation_id: int
    state: Literal["accepted"]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "118217652158451712", "conversation_id": 12, "state": "accepted"}]}
    )


class NewTakeover(StrictModel):
    """The operator that takes over."""

    operator: Operator = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"operator": "Maria"}]})


class TakenOver(TakeoverOut):
    """A conversation in which the bot keeps silent."""

    conversation_id: int
    since: datetime

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"conversation_id": 12, "operator": "Maria", "since": "2026-11-20T09:05:00Z"}]}
    )


def router(services: Services) -> APIRouter:
    """Return the routes of operators."""
    routes = api_router("/conversations/{conversation_id}", "conversations")
    conversations, takeovers = services.get(ConversationList), services.get(TakeoverService)

    @routes.post(
        "/messages",
        status_code=202,
        response_model=AcceptedMessage,
        summary="Send a message as an operator",
        responses=problems(404),
    )
    async def send_message(
        conversation_id: RowId, new: Annotated[NewMessage, Body()], key: Annotated[ApiKey, WRITE]
    ) -> Response:
        line = await find(conversations, conversation_id)
        markdown = new.text if new.markup == "markdown" else literal(new.text)
        message = OperatorMessage(new.text, markdown, new.operator or key.name)
        number = await takeovers.send(_conversation(line), _person(line), message)
        return show({"id": str(number), "conversation_id": line.id, "state": "accepted"}, status=202)

    _add_takeover(routes, conversations, takeovers)
    return routes


def _add_takeover(routes: APIRouter, conversations: ConversationList, takeovers: TakeoverService) -> None:
    @routes.put(
        "/takeover",
        response_model=TakenOver,
        summary="Take over a conversation: the bot stops answering, messages are still stored",
        responses=problems(404),
    )
    async def take_over(
        conversation_id: RowId,
        key: Annotated[ApiKey, WRITE],
        new: Annotated[NewTakeover | None, Body()] = None,
    ) -> Response:
        operator = new.operator if new is not None else None
        taken = await takeovers.take(conversation_id, operator or key.name)
        return show(taken)

    @routes.delete(
        "/takeover",
        status_code=204,
        response_class=Response,
        summary="Give a conversation back to its bot",
        responses=problems(404),
        dependencies=[WRITE],
    )
    async def give_back(conversation_id: RowId) -> Response:
        await find(conversations, conversation_id)
        await takeovers.give_back(conversation_id)
        return Response(status_code=204)


def _conversation(line: ConversationLine) -> Conversation:
    return Conversation(line.id, ChatKey(line.bot, line.chat_id, line.thread_id), ChatKind(line.kind), line.title)


def _person(line: ConversationLine) -> Person:
    return Person(line.user_id, line.user_name, line.username, line.language)
