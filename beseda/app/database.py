"""The database alone, for commands that need no other part of a bot."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from beseda.app.backup import upgrade_with_backup
from beseda.config import Settings
from beseda.db.database import Database, Synchronous
from beseda.engine.identity import continue_ids

_SYNCHRONOUS: Mapping[str, Synchronous] = {"received": "RECEIVED", "full": "FULL", "normal": "NORMAL"}


async def open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    await upgrade_with_backup(settings)
    database = await Database.open(settings.database(), synchronous=_SYNCHRONOUS[settings.synchronous])
    stack.push_async_callback(database.close)
    await continue_ids(database)
    return database
