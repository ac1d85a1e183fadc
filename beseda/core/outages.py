"""Logging of outages: one line when a service fails, one when it recovers."""

import logging
import time


class OutageLog:
    """Logs the first failure of a service as a warning and its recovery as information, with the length of the outage.

    Failures in between are logged at debug level only, because a line for each would hide all other lines.
    """

    def __init__(self, log: logging.Logger, service: str) -> None:
        self._log = log
        self._service = service
        self._since: float | None = None

    def fail(self, reason: object) -> None:
        """Record a failed attempt."""
        level = logging.WARNING if self._since is None else logging.DEBUG
        self._log.log(level, "%s is away: %s", self._service, reason)
        if self._since is None:
            self._since = time.monotonic()

    def recover(self) -> None:
        """Record a successful attempt."""
        if self._since is not None:
            self._log.info("%s is back after %.1f s", self._service, time.monotonic() - self._since)
            self._since = None
