"""State of a sale in a chat, kept outside the lead: the reading position and contacts that wait for a consent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from beseda.ephemeral.base import StateStore
from beseda.features.leads.model import Finding


@dataclass(frozen=True, slots=True)
class SalesMemory:
    """State of a sale. If it is lost, the last messages are read again, which changes no known fact.

    `read_to` is the last message that was read. `held` are the contacts that wait for a consent. The consent is
    requested once: `asked` while that request is open, after message `asked_at`; `refused` if the answer was no.
    `denied` are fields that the person denied, with the last message at that time: messages up to it do not fill the
    field again. `wants` is whether the person has asked for a consultation and seen no offer since. `declined` is
    whether they do not want one. `offered` is whether one was offered in words. `told` is whether the owner was
    notified of the lead. `digests` are hashes of the messages that were read last, used to detect edits.
    """

    read_to: int = 0
    held: tuple[Finding, ...] = ()
    asked: bool = False
    asked_at: int = 0
    refused: bool = False
    denied: Mapping[str, int] = field(default_factory=dict)
    wants: bool = False
    declined: bool = False
    offered: bool = False
    told: bool = False
    digests: Mapping[str, int] = field(default_factory=dict)


async def load_memory(store: StateStore, key: str) -> SalesMemory:
    """Return the state stored under a key. Unreadable state is ignored."""
    kept: dict[str, Any] = await store.get(key) or {}
    try:
        held = tuple(Finding(**finding) for finding in kept.get("held", ()))
        return SalesMemory(
            read_to=int(kept.get("read_to", 0)),
            held=held,
            asked=bool(kept.get("asked")),
            asked_at=int(kept.get("asked_at", 0)),
            refused=bool(kept.get("refused")),
            denied={str(name): int(number) for name, number in dict(kept.get("denied", {})).items()},
            wants=bool(kept.get("wants")),
            declined=bool(kept.get("declined")),
            offered=bool(kept.get("offered")),
            told=bool(kept.get("told")),
            digests={str(name): int(digest) for name, digest in dict(kept.get("digests", {})).items()},
        )
    except (TypeError, ValueError):
        return SalesMemory()


async def save_memory(store: StateStore, key: str, memory: SalesMemory) -> None:
    """Remember it. Raises StorageError."""
    await store.set(key, asdict(memory))
