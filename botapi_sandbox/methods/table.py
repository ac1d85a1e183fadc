from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botapi_sandbox.methods import (
    account,
    callbacks,
    chats,
    commands,
    copies,
    drafts,
    edits,
    media,
    messages,
    reactions,
    stickers,
    topics,
    updates,
)
from botapi_sandbox.methods.names import ALL_NAMES
from botapi_sandbox.refusals import ApiRefusalError

if TYPE_CHECKING:
    from botapi_sandbox.services import Handler, MethodCall


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API under the name its page gives it."""

    name: str
    handler: Handler


_MAX_NAME = 64
_TOPICS: tuple[dict[str, Handler], ...] = (
    account.METHODS,
    updates.METHODS,
    messages.METHODS,
    media.METHODS,
    edits.METHODS,
    drafts.METHODS,
    callbacks.METHODS,
    commands.METHODS,
    chats.METHODS,
    copies.METHODS,
    reactions.METHODS,
    stickers.METHODS,
    topics.METHODS,
)

# Looked up in lower case: method names are case-insensitive (#making-requests).
METHODS: dict[str, Method] = {
    name.lower(): Method(name, handler) for topic in _TOPICS for name, handler in topic.items()
}
_NAMES = {name.lower(): name for name in ALL_NAMES}


def find_method(name: str) -> Method:
    """The method with this name in any case.

    One that the sandbox does not know yet answers 501, one that no Bot API has 404: a call of either is logged.
    """
    known = METHODS.get(name.lower())
    if known is not None:
        return known
    title = _NAMES.get(name.lower())
    if title is None:
        return Method(name[:_MAX_NAME], _refuse_unknown)
    return Method(title, _make_refusal(title))


async def _refuse_unknown(call: MethodCall) -> None:
    raise ApiRefusalError(404, "Not Found: method not found")


def _make_refusal(title: str) -> Handler:
    async def refuse(call: MethodCall) -> None:
        raise ApiRefusalError(501, f"Not Implemented: the sandbox does not know {title} yet (docs/sandbox.md)")

    return refuse
