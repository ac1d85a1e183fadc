"""Every message that a bot sends is a row before the call, and what is known to be sent is not forgotten."""

import ast
import re
from collections.abc import Iterator

import pytest

from scripts.source import Module, call_name, read_modules, show

# Methods of the Bot API that put a message into a chat: https://core.telegram.org/bots/api#available-methods
_SENDING = re.compile(
    r"send(Message|Photo|Audio|Document|Video|Animation|Voice|VideoNote|PaidMedia|MediaGroup|Location|Venue|Contact|Poll"
    r"|Checklist|Dice|Sticker|Invoice|Game|RichMessage|)|(copy|forward)Messages?"
)
_ROWS = ("beseda/db", "beseda/engine/turns/repository", "beseda/engine/turns/fenced")
_SENDERS = ("beseda/telegram", "beseda/engine/turns/delivery", "beseda/features/broadcasts/mailing")
# They settle no messages.
_OTHER_STORES = ("beseda/engine/jobs", "beseda/engine/usage/budget_service", "beseda/features/webhooks")
_CALLS = {"beseda/telegram/sending.py", "beseda/telegram/files.py", "beseda/telegram/mailer.py"}
# Who may ask for a send, by the last two parts of the call's name: the places that write the row around it.
_ASKING = {
    "messenger.put": {"beseda/engine/turns/delivery.py"},
    "mailer.send": {"beseda/features/broadcasts/mailing.py"},
    "sender.send_part": {"beseda/telegram/messenger.py"},
}


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules("beseda")


def _texts(module: Module) -> Iterator[tuple[str, int]]:
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def test_messages_are_sent_in_one_place(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{line} {text}"
        for module in ours
        if str(module.path) not in _CALLS
        for text, line in _texts(module)
        if _SENDING.fullmatch(text) and text != "send"
    ]
    assert not places, show(places)


def test_sends_and_their_rows_are_written_in_one_place(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{call.lineno} {name}"
        for module in ours
        for call in module.calls()
        if (name := ".".join(part.strip("_") for part in call_name(call).split(".")[-2:])) in _ASKING
        and str(module.path) not in _ASKING[name]
    ]
    assert not places, show(places)


def _names(node: ast.AST | None) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)} if node is not None else set()


def test_handlers_of_an_absent_telegram_state_the_fate_of_a_lost_answer(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{node.lineno}"
        for module in ours
        for node in module.nodes
        if isinstance(node, ast.Try)
        and any("TelegramUnavailableError" in _names(handler.type) for handler in node.handlers)
        and not any("TelegramUnansweredError" in _names(handler) for handler in node.handlers)
    ]
    assert not places, show(places)


def test_confirmed_sends_wait_for_the_database(ours: list[Module]) -> None:
    direct = [
        f"{module.path}:{call.lineno}"
        for module in ours
        if not str(module.path).startswith((*_ROWS, *_OTHER_STORES))
        for call in module.calls()
        if call_name(call).split(".")[-1] == "mark_sent" or call_name(call) == "self._store.settle"
    ]
    suppressed = [
        f"{module.path}:{call.lineno}"
        for module in ours
        if str(module.path).startswith(_SENDERS)
        for call in module.calls()
        if call_name(call).endswith("suppress") and any("StorageError" in _names(argument) for argument in call.args)
    ]
    assert not direct + suppressed, show(direct + suppressed)
