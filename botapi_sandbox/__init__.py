"""A local Bot API server with a chat page: bots talk to it as to Telegram, people through a browser or a script."""

from botapi_sandbox.server import RunningSandbox, Sandbox, serve_sandbox
from botapi_sandbox.settings import (
    DEFAULT_GROUPS,
    DEFAULT_USERS,
    BotAccount,
    ForumTopicSettings,
    SandboxPerson,
    SandboxSettings,
    Supergroup,
    read_accounts,
)
from botapi_sandbox.user import SandboxUser, SandboxUserError

__all__ = [
    "DEFAULT_GROUPS",
    "DEFAULT_USERS",
    "BotAccount",
    "ForumTopicSettings",
    "RunningSandbox",
    "Sandbox",
    "SandboxPerson",
    "SandboxSettings",
    "SandboxUser",
    "SandboxUserError",
    "Supergroup",
    "read_accounts",
    "serve_sandbox",
]
