"""Keys to the API: made, known, revoked.

A key that was seen lately is remembered for two seconds: that is how long a revoked one may still open a replica.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace
from datetime import timedelta

from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, StorageError
from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.web.api_key import ApiKey, Scope, hash_secret, make_secret, read_key, write_key

log = logging.getLogger(__name__)

_TRUST = 2.0  # seconds
_KNOWN_LIMIT = 10_000
_USED_EVERY = timedelta(minutes=1)


class ApiKeyService:
    """Creates, looks up and revokes API keys. Every method raises StorageError."""

    def __init__(self, store: ApiKeyRepository, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[int, tuple[ApiKey | None, float]] = OrderedDict()
        self._marking: set[asyncio.Task[None]] = set()

    async def create(self, name: str, scope: Scope) -> tuple[ApiKey, str]:
        """Return a new key and its secret text, which cannot be retrieved again."""
        secret = make_secret()
        key = await self._store.add(name, scope, hash_secret(secret))
        self._known.pop(key.id, None)
        return key, write_key(key.id, secret)

    async def recognise(self, text: str) -> ApiKey | None:
        """Return the key that this is the text of, or None: no key, a wrong one, a revoked one."""
        read = read_key(text)
        if read is None:
            return None
        number, secret = read
        key = await self._find(number)
        if key is None or key.is_revoked or not key.matches(secret):
            return None
        self._note_use(key)
        return key

    async def page(self, *, limit: int = 100, offset: int = 0) -> list[ApiKey]:
        """Return some of the keys, newest first, revoked ones too."""
        return await self._store.page(limit=limit, offset=offset)

    async def count(self) -> int:
        """Return how many keys there are, revoked ones too."""
        return await self._store.count()

    async def find(self, key_id: int) -> ApiKey:
        """Return a key. Raises NotFoundError."""
        key = await self._store.find(key_id)
        if key is None:
            raise NotFoundError(f"API key {key_id}")
        return key

    async def revoke(self, key_id: int) -> ApiKey:
        """Have a key open nothing any more: here at once, elsewhere within two seconds. Raises NotFoundError."""
        key = await self._store.revoke(key_id)
        self._known.pop(key_id, None)
        if key is None:
            raise NotFoundError(f"API key {key_id}")
        return key

    async def close(self) -> None:
        """Wait until pending times of last use are stored."""
        if self._marking:
            await asyncio.wait(self._marking)

    async def _find(self, number: int) -> ApiKey | None:
        now = self._clock.monotonic()
        known = self._known.get(number)
        if known is not None and now - known[1] < _TRUST:
            return known[0]
        key = await self._store.find(number)
        self._known[number] = (key, now)
        self._known.move_to_end(number)
        if len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)
        return key

    def _note_use(self, key: ApiKey) -> None:
        """Store the time of last use in the background, at most once a minute."""
        now = self._clock.now()
        if key.last_used_at is not None and now - key.last_used_at < _USED_EVERY:
            return
        known = self._known.get(key.id)
        if known is None or known[0] is not key:
            return  # it is being noted
        noted = replace(key, last_used_at=now)
        self._known[key.id] = (noted, known[1])
        task = asyncio.get_running_loop().create_task(self._mark(noted))
        self._marking.add(task)
        task.add_done_callback(self._marking.discard)

    async def _mark(self, key: ApiKey) -> None:
        try:
            await self._store.mark_used(key.id, key.last_used_at or self._clock.now())
        except StorageError as error:
            log.warning("the use of API key %d is not noted: %s", key.id, error.detail)
