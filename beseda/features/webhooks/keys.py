"""Keys that sign events: derived from a secret of the owner, so that the database holds none.

The database holds the fingerprint of the secret that a receiver's key was derived from. Therefore a secret that was
replaced by mistake can be noticed before receivers reject the events.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from beseda.features.webhooks.model import WebhookEndpoint

KEY_PREFIX = "whsec_"
_FINGERPRINT = 8  # hexadecimal digits: enough to tell secrets apart, too few to test guesses against


@dataclass(frozen=True, slots=True)
class SecretUse:
    """How many active endpoints have keys of which secret; `present` and `before` are fingerprints, empty for none."""

    present: str
    before: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """The number of active endpoints."""
        return sum(self.counts.values())

    @property
    def unknown(self) -> int:
        """The number of endpoints with receivers that accept no signature of this process."""
        known = {self.present, self.before, ""} if self.present else set()
        return sum(count for fingerprint, count in self.counts.items() if fingerprint not in known)

    @property
    def is_dated(self) -> bool:
        """Whether there are endpoints from before fingerprints were kept."""
        return "" in self.counts

    def explain(self) -> str:
        """Return the state in a sentence for the log and `beseda doctor`."""
        if not self.present:
            return f"BESEDA_EVENTS_SECRET is not set, so that nothing is sent to {self.unknown} webhooks"
        said = f"events are signed with the secret of the fingerprint {self.present}"
        if self.unknown:
            others = ", ".join(sorted(set(self.counts) - {self.present, self.before, ""}))
            return (
                f"{said}, and {self.unknown} webhooks have keys of another secret ({others}): put that one into "
                "BESEDA_EVENTS_SECRET_OLD, or give their receivers new keys (POST /api/v1/webhooks/ID/key)"
            )
        if self.before and (waiting := self.counts.get(self.before, 0)):
            return f"{said}; {waiting} webhooks still have keys of the old one ({self.before})"
        return said


@dataclass(frozen=True, slots=True)
class EventSecrets:
    """The present secret, and the one before it while receivers change keys."""

    present: str | None = field(default=None, repr=False)
    old: str | None = field(default=None, repr=False)

    def count(self, counts: Mapping[str, int]) -> SecretUse:
        """Return the use of these secrets, from the number of endpoints by fingerprint."""
        present, before = (make_fingerprint(secret) if secret else "" for secret in (self.present, self.old))
        return SecretUse(present, before, counts)

    def find(self, fingerprint: str) -> str | None:
        """Return the secret with this fingerprint, or None if it is not set here."""
        known = {make_fingerprint(secret): secret for secret in (self.old, self.present) if secret is not None}
        return known.get(fingerprint)

    def list_keys(self, endpoint: WebhookEndpoint, now: datetime) -> list[str]:
        """Return the keys that sign for an endpoint: the one that its receiver knows already, then the one to come."""
        if self.present is None:
            return []
        keys = [derive_key(self.present, endpoint.salt)]
        is_replaced = endpoint.old_key_until is not None and now < endpoint.old_key_until
        before = self.find(endpoint.old_fingerprint) if is_replaced else None
        # An endpoint from before fingerprints were kept has a key of the secret at that time.
        if self.old is not None and endpoint.fingerprint in {"", make_fingerprint(self.old)}:
            keys.insert(0, derive_key(self.old, endpoint.salt))
        elif before is not None:
            keys.insert(0, derive_key(before, endpoint.old_salt))
        return keys


def derive_key(secret: str, salt: str) -> str:
    """Return the signing key of an endpoint, derived from the owner's secret: the database holds no key.

    Behind `whsec_` stand 64 hexadecimal digits. Standard Webhooks read them as base64, which makes a key of 48 bytes.
    """
    return KEY_PREFIX + hmac.new(secret.encode(), f"webhook:{salt}".encode(), hashlib.sha256).hexdigest()


def make_fingerprint(secret: str) -> str:
    """Return a short text by which a secret can be compared with another and not be found out."""
    return hmac.new(secret.encode(), b"fingerprint", hashlib.sha256).hexdigest()[:_FINGERPRINT]


def sign(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of the header `webhook-signature`; `timestamp` is in seconds since 1970.

    Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
    """
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    digest = hmac.new(base64.b64decode(key.removeprefix(KEY_PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def sign_legacy(key: str, timestamp: int, body: bytes) -> str:
    """Return the deprecated header `Beseda-Signature`, which goes away with version 0.2."""
    digest = hmac.new(key.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
