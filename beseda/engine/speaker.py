"""The speaker of a message or the presser of a button, including people that speak as a chat.

An anonymous administrator writes through a bot of Telegram's that is the same in every group, a person that writes as a
channel through another one: the chat they speak for is the only identity there is. A button is always pressed under the
person's own id. Facts: https://core.telegram.org/bots/api#message (`sender_chat`)
"""

from typing import Any

from beseda.core.chat import SHARED_IDS, Person
from beseda.engine.content import name_user
from beseda.llm.quotation import LONGEST_NAME, one_line

Json = dict[str, Any]


def read_speaker(message: Json) -> Person | None:
    """Return the person or chat that wrote a message, or None if it was another bot or Telegram names no author."""
    user, chat = message.get("from") or {}, message.get("sender_chat")
    if chat is not None:
        name = one_line(str(chat.get("title") or message.get("author_signature") or ""), LONGEST_NAME)
        return Person(int(chat["id"]), name, str(chat.get("username") or ""), str(user.get("language_code") or ""))
    if not user or user.get("is_bot"):
        return None
    return read_person(user)


def read_person(user: Json) -> Person:
    """Return a Telegram user as a person."""
    name = one_line(name_user(user), LONGEST_NAME * 2)
    return Person(int(user["id"]), name, str(user.get("username") or ""), str(user.get("language_code") or ""))


def may_act_for(person: Person, asked_by: int) -> bool:
    """Return whether a person may answer a question that `asked_by` was asked.

    A chat's id stands for an administrator that Telegram does not name. In that chat any member may answer, as they may
    ask the question themselves.
    """
    return person.id == asked_by or asked_by < 0 or asked_by in SHARED_IDS
