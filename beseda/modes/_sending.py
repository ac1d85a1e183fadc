"""Helpers that modes share to send files: their names, paths and the buttons below them."""

from collections.abc import Mapping

from beseda.engine.context import BotServices
from beseda.engine.files.model import FileOwner, StoredFile
from beseda.engine.jobs.model import Job
from beseda.locales import Text
from beseda.telegram.keyboards import Markup
from beseda.telegram.part import Media, MediaKind

_MINUTES = Text("modes.minutes")
_SECONDS = Text("modes.seconds")
_BAR = 10  # squares
_OF_TEXTS = ("audio", "transcript")


def owner_of(job: Job) -> FileOwner:
    """Return the owner of the files of a job."""
    assert job.request.user_id is not None  # noqa: S101 - a mode's job is somebody's: `Chores.start`
    return FileOwner(job.request.bot, job.request.user_id)


def chat_of(job: Job) -> int:
    """Return the chat that a job is for."""
    assert job.request.chat_id is not None  # noqa: S101 - a mode's job is a chat's: `Chores.start`
    return job.request.chat_id


def language_of(job: Job) -> str:
    """Return the language of the person that requested a job."""
    return str(job.request.payload.get("language", "ru"))


def as_media(file: StoredFile, kind: MediaKind = MediaKind.DOCUMENT) -> Media:
    """Return a kept file as it goes out."""
    return Media(kind, file.path, file.download_name)


async def show_actions(bot: BotServices, job: Job, mode: str) -> Markup:
    """Return the buttons of a mode for a result: below the field, or inline in a group.

    Return none in a private chat that has left the modes of texts since, so that its present menu stays.
    """
    private = chat_of(job) > 0
    if private:
        kept = await bot.state.get(state_key(bot, job, "mode"))
        if kept is None or kept["mode"] not in _OF_TEXTS:
            return ()
    return bot.handlers.menus.actions(mode, language_of(job), private=private)


def state_key(bot: BotServices, job: Job, name: str) -> str:
    """Return the key of the state store that `Context.state_key` has for the chat of a job."""
    return f"{name}:{bot.me.id}:{job.request.chat_id}:{job.request.payload.get('thread', 0)}"


def number(value: Mapping[str, object] | None, name: str) -> int:
    """Return an integer from JSON, or 0 if there is none."""
    found = (value or {}).get(name)
    return found if isinstance(found, int) else 0


def draw_progress(job: Job) -> str:
    """Return the progress of a job as a bar and a percentage; empty if it is unknown or nothing is done."""
    if job.progress.total <= 0 or job.progress.done <= 0:
        return ""
    share = min(1.0, max(0.0, job.progress.done / job.progress.total))
    full = round(share * _BAR)
    return f"{'▓' * full}{'░' * (_BAR - full)} {share:.0%}"


def tell_left(seconds: float | None, language: str) -> str:
    """Return the remaining time as text; empty if it is unknown."""
    if seconds is None:
        return ""
    if seconds >= 90:
        return _MINUTES.say(language, number=round(seconds / 60))
    return _SECONDS.say(language, number=max(5, round(seconds / 5) * 5))
