"""Speech: a voice message or a video note is heard, shown in italics and answered like written words."""

import asyncio
import logging

from beseda.core.errors import BesedaError, InputError, RemoteError
from beseda.core.ids import new_id
from beseda.engine.context import Context
from beseda.engine.handlers.chat import answer_words
from beseda.engine.identify import SOUNDS, identify
from beseda.engine.incoming import Attachment, IncomingMessage, MessageKind
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn, TurnKind
from beseda.features.transcription.voice import VoiceService
from beseda.llm.quotation import Quotation

log = logging.getLogger(__name__)
router = Router()

_KEPT = 24 * 3600.0  # seconds that a recording can be listened to again


@router.message(MessageKind.DOCUMENT)
async def answer_document(context: Context, voice: VoiceService) -> None:
    """Hear a recording that was sent as a file; have the words beside any other file answered."""
    event = context.event
    assert isinstance(event, IncomingMessage) and event.attachment is not None  # noqa: S101
    attachment = await identify(context.bot.api, event.attachment)
    if attachment.mime.startswith(SOUNDS):
        await answer_voice(context, voice)
    else:
        await answer_words(context)


@router.message(MessageKind.VOICE, MessageKind.VIDEO_NOTE, MessageKind.AUDIO)
async def answer_voice(context: Context, voice: VoiceService) -> None:
    """Have the model answer a recording."""
    event = context.event
    assert isinstance(event, IncomingMessage) and event.attachment is not None  # noqa: S101
    if not context.bot.profile.voice:
        await answer_words(context)
        return
    turn = await context.turn()
    if turn is None or not turn.input:
        await _hear(context, voice, event.attachment, turn)
    else:
        await context.ask_spoken(turn.input, turn)


@router.listen
async def listen(context: Context, turn: Turn | None, voice: VoiceService) -> None:
    """Have the model answer the recording of a message, or, for a retry, that of a turn which failed."""
    if turn is None:
        await answer_voice(context, voice)
        return
    kept = await context.bot.state.get(_key(turn.id))
    if kept is None:
        await context.refuse(InputError(f"turn {turn.id}: the recording is no longer known"))
        return
    origin = str(kept["origin"]) if kept.get("forwarded") else None
    await _hear(context, voice, Attachment(MessageKind.VOICE, str(kept["file_id"])), turn, origin=origin)


async def _hear(
    context: Context, voice: VoiceService, attachment: Attachment, turn: Turn | None, *, origin: str | None = None
) -> None:
    """Hear a recording and have its words answered; `origin` is the author of a forwarded one that is heard again.

    The turn is stored before the recording is sent to a service, like every other step, and again with the words.
    """
    if turn is None:
        turn = (await context.question("", TurnKind.VOICE)).open_turn()
        await context.bot.turns.open(turn, None)
    try:
        async with context.typing():
            text = await _transcribe(context, voice, attachment)
    except BesedaError as error:
        await _fail(context, attachment, error, turn)
        return
    turn.input = await _mark(context, text) if origin is None else Quotation(origin, text).write()
    await context.ask_spoken(turn.input, turn)


async def _mark(context: Context, heard: str) -> str:
    """Return transcribed words, preceded by the text that the message replies to and followed by its caption."""
    event = context.event
    if not isinstance(event, IncomingMessage):
        return heard
    return await context.words("\n".join(filter(None, [event.mark(heard), event.mark(event.text)])))


async def _transcribe(context: Context, voice: VoiceService, attachment: Attachment) -> str:
    """Download and transcribe a recording; nothing of it stays on disk."""
    bot = context.bot
    bot.api.check_size(attachment.size)
    source = bot.options.downloads / f"{new_id()}.{attachment.kind}"
    try:
        await bot.api.download(attachment.file_id, source)
        return (await voice.listen(source)).text
    finally:
        await asyncio.to_thread(source.unlink, missing_ok=True)


async def _fail(context: Context, attachment: Attachment, error: BesedaError, turn: Turn) -> None:
    level = logging.WARNING if isinstance(error, RemoteError) else logging.INFO
    log.log(level, "a recording was not heard: %s: %s", type(error).__name__, error.detail)
    question = await context.question("", TurnKind.VOICE)
    if error.retryable:
        event, kept = context.event, dict[str, object](file_id=attachment.file_id)
        if isinstance(event, IncomingMessage) and event.forwarded:
            kept |= {"forwarded": "yes", "origin": event.origin}
        await context.bot.state.set(_key(turn.id), kept, ttl=_KEPT)
    await context.fail(question, error, turn)


def _key(turn_id: int) -> str:
    return f"recording:{turn_id}"
