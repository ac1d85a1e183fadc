"""Which conversation to go on with."""

from datetime import datetime

from beseda.cli.repl import texts
from beseda.cli.repl.session import ChatSession, make_title
from beseda.cli.repl.session_context import SessionContext

_EXIT = "/exit"  # people type it here, too


async def choose_session(context: SessionContext) -> None:
    """Show the last sessions and enter the one that the person picks; `0`, or nothing there, begins a new one.

    Raises EOFError and KeyboardInterrupt as the reader does.
    """
    recent = context.memory.list_recent(context.options.list_limit)
    if not recent:
        context.begin()
        return
    context.screen.say(context.tell(texts.SESSIONS))
    context.screen.say(f"  0  {context.tell(texts.NEW_SESSION)}")
    for number, session in enumerate(recent, 1):
        context.screen.say(f"  {number}  {_format_moment(session.updated_at)}  {_show_title(context, session)}")
    number = await _ask_number(context, len(recent))
    if number == 0:
        context.begin()
        context.screen.note(context.tell(texts.STARTED))
        return
    session = recent[number - 1]
    context.enter(session)
    context.screen.note(context.tell(texts.RESUMED, title=_show_title(context, session)))
    # The title alone is the first question: a line of the last one and of its answer shows how far it went.
    for message in [one for one in session.messages if one.role in {"user", "assistant"}][-2:]:
        context.screen.note(("> " if message.role == "user" else "") + make_title(message.content))


async def _ask_number(context: SessionContext, last: int) -> int:
    while True:
        said = await context.reader.read_line(context.tell(texts.CHOOSE, last=last))
        if said.lower() == _EXIT:
            raise EOFError
        if said.isdecimal() and said.isascii() and int(said) <= last:
            return int(said)
        again = texts.CHOOSE_FIRST if said.startswith("/") else texts.CHOOSE_AGAIN
        context.screen.complain(context.tell(again, last=last))


def _show_title(context: SessionContext, session: ChatSession) -> str:
    title = session.title or session.first_user_message or session.summary
    return make_title(title) if title else context.tell(texts.UNTITLED)


def _format_moment(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:  # somebody wrote it by hand
        return text[:16]
