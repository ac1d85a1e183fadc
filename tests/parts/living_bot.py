"""The running bot that Beseda ships for tests, under the name that the tests here use."""

from beseda.testing.living_bot import (
    ANNA,
    BORIS,
    BOT,
    CHRIS,
    FORUM,
    GROUP,
    TOKEN,
    LivingBot,
    PollingClock,
    account,
    living_bot,
    run_bot,
)

__all__ = [
    "ANNA",
    "BORIS",
    "BOT",
    "CHRIS",
    "FORUM",
    "GROUP",
    "TOKEN",
    "LivingBot",
    "PollingClock",
    "account",
    "living_bot",
    "run_bot",
]
