"""The watchdog of a service manager: the two variables that systemd sets for a unit with `WatchdogSec`."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """The socket that takes notifications, and the seconds after which a silent process is restarted."""

    address: str
    seconds: float


def read_watchdog() -> WatchdogSettings | None:
    """Return the watchdog of this process, or None if there is none.

    https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    period = os.environ.get("WATCHDOG_USEC", "")
    process = os.environ.get("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")) or not period.isdecimal() or int(period) == 0:
        return None
    # Children inherit the variables: those of another process are meant for that one.
    if process and process != str(os.getpid()):
        return None
    return WatchdogSettings(address, int(period) / 1_000_000)
