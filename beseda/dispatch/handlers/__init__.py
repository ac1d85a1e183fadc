"""The handlers that every bot has, one file a topic."""

from beseda.dispatch.handlers import chat, clear, membership, retry, start, stats, stop, voice
from beseda.dispatch.router import Router


def common_router() -> Router:
    """Return a router with all of them; a bot's own handlers are put on top."""
    router = Router()
    for topic in (chat, clear, membership, retry, start, stats, stop, voice):
        router.include(topic.router)
    return router
