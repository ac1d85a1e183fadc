"""A key to the API: `bsd_<number>_<secret>`. Only a hash of the secret is kept.

The secret has 256 random bits, so a plain SHA-256 hides it as well as a slow hash would, and costs a microsecond.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_PREFIX = "bsd"
_FORM = re.compile(rf"{_PREFIX}_([1-9][0-9]{{0,17}})_([A-Za-z0-9_-]{{43}})")


class Scope(StrEnum):
    """The permissions of a key: each scope includes the scopes before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Return whether a key of this scope permits an action that requires `needed`."""
        return _ORDER[self] >= _ORDER[needed]


_ORDER = {scope: number for number, scope in enumerate(Scope)}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the record has it: `secret_hash` in hexadecimal."""

    id: int
    name: str
    scope: Scope
    secret_hash: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def is_revoked(self) -> bool:
        """Whether the key opens nothing any more."""
        return self.revoked_at is not None

    def matches(self, secret: str) -> bool:
        """Return whether this is the key's secret. The comparison takes constant time."""
        return hmac.compare_digest(hash_secret(secret), self.secret_hash)


def make_secret() -> str:
    """Return a new secret of 256 bits."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the hash of a secret, which is stored in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


def write_key(number: int, secret: str) -> str:
    """Return the key as its owner carries it."""
    return f"{_PREFIX}_{number}_{secret}"


def read_key(text: str) -> tuple[int, str] | None:
    """Return the number and the secret of a key, or None if the text is not a key."""
    found = _FORM.fullmatch(text)
    return (int(found[1]), found[2]) if found else None
