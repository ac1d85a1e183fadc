"""How fast people may write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages of one person with one bot in a minute and an hour, of one bot and of all in a minute; 0: no limit."""

    user_minute: int = 15
    user_hour: int = 80
    bot_minute: int = 1500
    total_minute: int = 0
