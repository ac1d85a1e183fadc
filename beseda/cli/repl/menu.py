"""Which conversation to go on with."""

from datetime import datetime

from beseda.cli.repl import texts
from beseda.cli.repl.session import ChatSession, make_title
from beseda.cli.repl.session_context import SessionContext

_EXIT = "/exit"  # people type it here, too


async def choose_session(room: SessionContext) -> None:
    """Show the last sessions and enter the one that the person picks; `0`, or nothing there, begins a new one.

    Raises EOFError and KeyboardInterrupt as the reader does.
    """
    recent = room.memory.list_recent(room.options.list_limit)
    if not recent:
        room.begin()
        return
    room.screen.say(room.tell(texts.SESSIONS))
    room.screen.say(f"  0  {room.tell(texts.NEW_SESSION)}")
    for number, session in enumerate(recent, 1):
        room.screen.say(f"  {number}  {_format_moment(session.updated_at)}  {_show_title(room, session)}")
    number = await _ask_number(room, len(recent))
    if number == 0:
        room.begin()
        room.screen.note(room.tell(texts.STARTED))
        return
    session = recent[number - 1]
    room.enter(session)
    room.screen.note(room.tell(texts.RESUMED, title=_show_title(room, session)))
    _show_last_exchange(room, session)


def _show_last_exchange(room: SessionContext, session: ChatSession) -> None:
    """Show a line of the last question and of its answer: a title alone is the first question."""
    for message in [one for one in session.messages if one.role in {"user", "assistant"}][-2:]:
        room.screen.note(("> " if message.role == "user" else "") + make_title(message.content))


async def _ask_number(room: SessionContext, last: int) -> int:
    while True:
        said = await room.reader.read_line(room.tell(texts.CHOOSE, last=last))
        if said.lower() == _EXIT:
            raise EOFError
        if said.isdecimal() and said.isascii() and int(said) <= last:
            return int(said)
        again = texts.CHOOSE_FIRST if said.startswith("/") else texts.CHOOSE_AGAIN
        room.screen.complain(room.tell(again, last=last))


def _show_title(room: SessionContext, session: ChatSession) -> str:
    title = session.title or session.first_user_message or session.summary
    return make_title(title) if title else room.tell(texts.UNTITLED)


def _format_moment(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:  # somebody wrote it by hand
        return text[:16]
