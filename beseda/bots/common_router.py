"""The handlers that every bot has, one file a topic."""

from collections.abc import Mapping

from beseda.engine.handlers import chat, clear, edit, history, job, membership, menu, mode, retry, start, stats, stop
from beseda.engine.middleware import charge_person, drop_double_press, guard_access, limit_messages
from beseda.engine.modes import Mode
from beseda.engine.router import Router
from beseda.features.broadcasts import handlers as broadcast
from beseda.features.meetings import handlers as meeting
from beseda.features.personal_data import handlers as personal_data
from beseda.features.takeover import handlers as operator
from beseda.features.takeover.middleware import keep_silent
from beseda.features.transcription import handlers as voice


def common_router() -> Router:
    """Return a router with all of them; a bot's own handlers are put on top."""
    router = Router()
    # A stranger is turned away first; a limit counts what a model will be asked, and a budget what it costs.
    router.middlewares = [guard_access, drop_double_press, keep_silent, limit_messages, charge_person]
    for topic in (
        broadcast,
        chat,
        clear,
        edit,
        history,
        meeting,
        membership,
        operator,
        personal_data,
        retry,
        start,
        stats,
        stop,
        voice,
    ):
        router.include(topic.router)
    return router


def mode_router(modes: Mapping[str, Mode]) -> Router:
    """Return the handlers of a bot that has modes: to be put above the common ones."""
    router = Router()
    router.modes |= modes
    for topic in (job, menu, mode):
        router.include(topic.router)
    for entry in modes.values():
        router.presses |= entry.presses
    return router
