"""Speech: a voice message or a video note is heard, shown in italics and answered like written words."""

import asyncio

from beseda.dispatch.context import Context
from beseda.dispatch.events import Attachment, IncomingMessage, Kind
from beseda.dispatch.router import Router, refuse_kind
from beseda.domain.turn import Turn, TurnKind
from beseda.errors import BesedaError, FileTooLargeError, InputError
from beseda.kit.ids import new_id
from beseda.telegram.client import DOWNLOAD_LIMIT

router = Router()

_KEPT = 24 * 3600.0  # seconds that a recording can be listened to again


@router.message(Kind.VOICE, Kind.VIDEO_NOTE, Kind.AUDIO)
async def answer_voice(context: Context) -> None:
    """Have the model answer what was said."""
    event = context.event
    assert isinstance(event, IncomingMessage) and event.attachment is not None  # noqa: S101
    if not context.desk.profile.voice:
        await refuse_kind(context)
        return
    turn = await context.turn()
    if turn is None:
        await _hear(context, event.attachment, None)
    else:
        await context.ask_spoken(turn.input, turn)


async def listen_again(context: Context, turn: Turn) -> None:
    """Try once more to hear a recording that could not be heard."""
    kept = await context.desk.state.get(_key(turn.id))
    if kept is None:
        await context.refuse(InputError(f"turn {turn.id}: the recording is no longer known"))
        return
    await _hear(context, Attachment(Kind.VOICE, str(kept["file_id"])), turn)


async def _hear(context: Context, attachment: Attachment, turn: Turn | None) -> None:
    try:
        async with context.typing():
            text = await _transcribe(context, attachment)
    except BesedaError as error:
        await _fail(context, attachment, error, turn)
        return
    if turn is not None:
        turn.input = text
    await context.ask_spoken(text, turn)


async def _transcribe(context: Context, attachment: Attachment) -> str:
    """Download and transcribe a recording; nothing of it stays on disk."""
    if attachment.size > DOWNLOAD_LIMIT:
        raise FileTooLargeError(f"{attachment.size} bytes")
    desk = context.desk
    source = desk.downloads / f"{new_id()}.{attachment.kind}"
    try:
        await desk.api.download(attachment.file_id, source)
        return (await desk.voice.listen(source)).text
    finally:
        await asyncio.to_thread(source.unlink, missing_ok=True)


async def _fail(context: Context, attachment: Attachment, error: BesedaError, turn: Turn | None) -> None:
    question = await context.question("", TurnKind.VOICE)
    turn = turn or question.open_turn()
    if error.retryable:
        await context.desk.state.set(_key(turn.id), {"file_id": attachment.file_id}, ttl=_KEPT)
    await context.fail(question, error, turn)


def _key(turn_id: int) -> str:
    return f"recording:{turn_id}"
