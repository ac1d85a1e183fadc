"""API keys."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from beseda.core.clock import Clock
from beseda.db.database import Database
from beseda.db.mapping import RowMapping
from beseda.features.api_keys.tables import api_keys
from beseda.web.api_key import ApiKey, Scope

_KEYS = RowMapping(ApiKey, api_keys)


class ApiKeyRepository:
    """Keys in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, name: str, scope: Scope, secret_hash: str) -> ApiKey:
        """Store a new key and return it."""
        values = _KEYS.values(ApiKey(0, name, scope, secret_hash, self._clock.now()), without={"id"})
        statement = insert(api_keys).values(values).returning(*_KEYS.columns)
        return _KEYS.load(await self._database.write(lambda connection: connection.execute(statement).one()))

    async def find(self, key_id: int) -> ApiKey | None:
        """Return a key, revoked or not, or None."""
        return await self._database.read(lambda connection: _find(connection, key_id))

    async def page(self, *, limit: int, offset: int = 0) -> list[ApiKey]:
        """Return some of the keys, newest first."""
        query = select(*_KEYS.columns).order_by(api_keys.c.id.desc()).limit(limit).offset(offset)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return _KEYS.load_all(rows)

    async def count(self) -> int:
        """Return how many keys there are."""
        query = select(func.count()).select_from(api_keys)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def revoke(self, key_id: int) -> ApiKey | None:
        """Revoke a key and return it, or None if it does not exist. The time of the first revocation is kept."""
        now = self._clock.now()
        change = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)

        def revoke(connection: Connection) -> ApiKey | None:
            connection.execute(change)
            return _find(connection, key_id)

        return await self._database.write(revoke)

    async def mark_used(self, key_id: int, at: datetime) -> None:
        """Store the time at which a key was last used. A time earlier than the stored one changes nothing."""
        older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
        change = update(api_keys).where(api_keys.c.id == key_id, older).values(last_used_at=at)
        await self._database.write(lambda connection: connection.execute(change))


def _find(connection: Connection, key_id: int) -> ApiKey | None:
    row = connection.execute(select(*_KEYS.columns).where(api_keys.c.id == key_id)).one_or_none()
    return _KEYS.load(row) if row is not None else None
