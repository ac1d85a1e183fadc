"""Conversations: a list, one conversation, and its messages."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import Response

from beseda.core.chat import ChatKind
from beseda.core.errors import NotFoundError
from beseda.core.services import Services
from beseda.features.conversations.model import ConversationFilter, ConversationLine, SaidMessage
from beseda.features.conversations.queries import ConversationList
from beseda.web.auth import READ
from beseda.web.fields import BotQuery, Moment, RowId, UserQuery
from beseda.web.pagination import ListTotals, Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "conversations"
_SHOWN = 100  # messages beside the conversation itself
_CONVERSATION: dict[str, JsonValue] = {
    "id": 12,
    "bot": "sales",
    "chat_id": 700000001,
    "thread_id": 0,
    "kind": "private",
    "title": "",
    "user_id": 700000001,
    "user_name": "Anna",
    "username": "anna",
    "language": "ru",
    "created_at": "2026-11-20T09:00:00Z",
    "last_message_at": "2026-11-20T09:05:00Z",
    "takeover": None,
}
_MESSAGE: dict[str, JsonValue] = {
    "id": 91,
    "turn_id": "118217652158451712",
    "role": "user",
    "content": "Hello! Do you deliver to Kazan?",
    "created_at": "2026-11-20T09:05:00Z",
    "state": "delivered",
    "kind": "chat",
    "operator": None,
}


class TakeoverOut(BaseModel):
    """The operator that answers in place of the bot."""

    operator: str
    since: datetime


class ConversationOut(BaseModel):
    """A conversation: its chat, its person, and the operator that answers in it, if any."""

    id: int
    bot: str
    chat_id: int
    thread_id: int
    kind: ChatKind
    title: str
    user_id: int
    user_name: str
    username: str
    language: str
    created_at: datetime
    last_message_at: datetime | None
    takeover: TakeoverOut | None

    model_config = ConfigDict(json_schema_extra={"examples": [_CONVERSATION]})


class MessageOut(BaseModel):
    """A message; `operator` is the name of the person that wrote it in place of the bot."""

    id: int
    turn_id: str
    role: str
    content: str
    created_at: datetime
    state: str
    kind: str
    operator: str | None

    model_config = ConfigDict(json_schema_extra={"examples": [_MESSAGE]})


class ConversationDetail(ConversationOut):
    """A conversation with its last messages, a hundred at most, oldest first; the whole is at `/messages`."""

    messages: list[MessageOut]

    model_config = ConfigDict(json_schema_extra={"examples": [{**_CONVERSATION, "messages": [_MESSAGE]}]})


async def _read_filter(
    bot: BotQuery = None,
    user_id: UserQuery = None,
    kind: Annotated[ChatKind | None, Query(description="Of this kind of chat only.")] = None,
    updated_since: Annotated[
        Moment | None,
        Query(description="With messages since one minute before this time.", examples=["2026-11-20T00:00:00Z"]),
    ] = None,
    taken_over: Annotated[bool | None, Query(description="Whether an operator has taken it over.")] = None,
) -> ConversationFilter:
    return ConversationFilter(bot, user_id, kind, updated_since, taken_over)


def router(services: Services) -> APIRouter:
    """Return the routes of conversations."""
    routes = api_router("/conversations", "conversations")
    store, totals = services.get(ConversationList), ListTotals()

    @routes.get(
        "",
        response_model=Page[ConversationOut],
        summary="List conversations, newest first",
        dependencies=[READ],
    )
    async def list_conversations(
        wanted: Annotated[ConversationFilter, Depends(_read_filter)], paging: PageQuery
    ) -> Response:
        place = paging.after(_ORDER, int)
        before = place[0] if place else None
        lines, total = await asyncio.gather(
            store.page(wanted, limit=paging.limit, offset=paging.offset, before=before),
            totals.get(wanted, lambda: store.count(wanted)),
        )
        items = [_show_line(line) for line in lines]
        return show(paging.page(items, total, lambda: write_cursor(_ORDER, lines[-1].id)))

    @routes.get(
        "/{conversation_id}",
        response_model=ConversationDetail,
        summary="Get a conversation with its last messages",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_conversation(conversation_id: RowId) -> Response:
        line, said = await asyncio.gather(
            find(store, conversation_id), store.last_messages(conversation_id, limit=_SHOWN)
        )
        return show({**_show_line(line), "messages": [_show_message(message) for message in said]})

    _add_messages(routes, store)
    return routes


def _add_messages(routes: APIRouter, store: ConversationList) -> None:
    totals = ListTotals()

    @routes.get(
        "/{conversation_id}/messages",
        response_model=Page[MessageOut],
        summary="List messages, oldest first",
        responses=problems(404),
        dependencies=[READ],
    )
    async def list_messages(conversation_id: RowId, paging: PageQuery) -> Response:
        await find(store, conversation_id)
        order = f"messages:{conversation_id}"
        place = paging.after(order, int, int)
        said = await store.messages(
            conversation_id, limit=paging.limit, offset=paging.offset, after=(place[0], place[1]) if place else None
        )
        total = await totals.get(conversation_id, lambda: store.count_messages(conversation_id))
        items = [_show_message(message) for message in said]
        return show(paging.page(items, total, lambda: write_cursor(order, said[-1].turn_id, said[-1].id)))


async def find(store: ConversationList, conversation_id: int) -> ConversationLine:
    """Return a conversation. Raises NotFoundError."""
    line = await store.find(conversation_id)
    if line is None:
        raise NotFoundError(f"conversation {conversation_id}")
    return line


def _show_line(line: ConversationLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "bot": line.bot,
        "chat_id": line.chat_id,
        "thread_id": line.thread_id,
        "kind": line.kind,
        "title": line.title,
        "user_id": line.user_id,
        "user_name": line.user_name,
        "username": line.username,
        "language": line.language,
        "created_at": line.created_at,
        "last_message_at": line.last_message_at,
        "takeover": {"operator": line.operator, "since": line.operator_since} if line.operator else None,
    }


def _show_message(message: SaidMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "turn_id": str(message.turn_id),
        "role": message.role,
        "content": message.content,
        "created_at": message.created_at,
        "state": message.state,
        "kind": message.kind,
        "operator": message.operator or None,
    }
