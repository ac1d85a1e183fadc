"""A local Bot API server with a chat page: bots talk to it as to Telegram, people through a browser or a script."""

from beseda.sandbox.app import Sandbox, create_sandbox
from beseda.sandbox.settings import BotAccount, ForumTopicSettings, SandboxPerson, SandboxSettings, Supergroup

__all__ = [
    "BotAccount",
    "ForumTopicSettings",
    "Sandbox",
    "SandboxPerson",
    "SandboxSettings",
    "Supergroup",
    "create_sandbox",
]
