"""Faults that the server plays on request: errors, delays, lost connections."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

KINDS = frozenset({"error", "slow", "hang", "drop_before", "drop_after", "repeat_update", "html"})
_MAX_FAULTS = 1_000


@dataclass(slots=True)
class Fault:
    """Something that goes wrong on request, `count` times."""

    id: int
    kind: str
    bot: str | None = None
    method: str | None = None
    count: int = 1
    seconds: float = 0.0
    retry_after: int | None = None
    status: int = 500
    description: str | None = None
    migrate_to_chat_id: int | None = None

    def to_answer(self) -> dict[str, Any]:
        """The Bot API's error body for this fault."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self._describe()}
        if self.retry_after is not None:
            answer["parameters"] = {"retry_after": self.retry_after}
        if self.migrate_to_chat_id is not None:
            answer["parameters"] = {"migrate_to_chat_id": self.migrate_to_chat_id}
        return answer

    def _describe(self) -> str:
        if self.description is not None:
            return self.description
        if self.status == 429:
            return f"Too Many Requests: retry after {self.retry_after or 0}"
        if self.migrate_to_chat_id is not None:
            return "Bad Request: group chat was upgraded to a supergroup chat"
        names = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
        return names.get(self.status, {502: "Bad Gateway"}.get(self.status, "Internal Server Error"))


class FaultPlan:
    """The faults still to come, taken in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fields: dict[str, Any]) -> Fault:
        """Plan a fault; raises ValueError when its fields make no sense."""
        kind = fields.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        if len(self._faults) >= _MAX_FAULTS:
            raise ValueError("too many faults are planned already")
        status = int(fields.get("status") or (429 if fields.get("retry_after") is not None else 500))
        if not 400 <= status <= 599:
            raise ValueError("status must be an error status")
        fault = Fault(
            id=next(self._ids),
            kind=str(kind),
            bot=fields.get("bot"),
            method=str(fields["method"]).lower() if fields.get("method") else None,
            count=int(fields.get("count") or 1),
            seconds=float(fields.get("seconds") or 0.0),
            retry_after=None if fields.get("retry_after") is None else int(fields["retry_after"]),
            status=status,
            description=fields.get("description"),
            migrate_to_chat_id=int(fields["migrate_to_chat_id"]) if fields.get("migrate_to_chat_id") else None,
        )
        if kind == "repeat_update":
            fault.method = "getupdates"
        self._faults.append(fault)
        return fault

    def take(self, bot: str, method: str) -> Fault | None:
        """The fault this call meets, if any; counts it."""
        for fault in self._faults:
            if fault.bot in {None, bot} and fault.method in {None, method}:
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()
