"""What a sale remembers of a chat beside the lead: how far it has read, and what waits for a consent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from beseda.domain.lead import Finding
from beseda.storage.base.state import StateStore


@dataclass(frozen=True, slots=True)
class SalesMemory:
    """May be lost: then the last messages are read once more, which changes nothing that is known.

    `read_to` is the last message that was read, `held` the contacts that wait for a consent. It is asked for once:
    `asked` while that question is open, behind message `asked_at`; `refused` where the answer was no. `denied` are
    fields that a person said no to, with the last message then: what stood up to there is not read into them again.
    `wants` is whether the person has asked for a consultation and seen no offer since, `declined` whether they want
    none, `offered` whether one was offered in words, `told` whether the owner knows of the lead. `digests` are those of
    the messages that were read last, by which an edited one is found.
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
    """Return what is remembered under a key; what cannot be understood (any more) counts for nothing."""
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
