"""An update as Telegram hands it over, before anybody looks into it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """One raw update of one bot. `payload` is Telegram's JSON; `turn_id` is set once a turn was opened for it."""

    bot: str
    update_id: int
    payload: bytes
    turn_id: int | None = None
