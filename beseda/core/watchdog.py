"""Keep-alive notifications for systemd, sent from the event loop: a loop that hangs stops sending them."""

import asyncio
import logging
import socket

log = logging.getLogger(__name__)


async def keep_watchdog(address: str, seconds: float) -> None:
    """Send `WATCHDOG=1` to a datagram socket at half of the period, as sd_notify(3) advises, until cancelled."""
    # A name that begins with @ is in the abstract namespace.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)  # noqa: FBT003 - the standard library takes it by position only
        while True:
            try:
                sender.sendto(b"WATCHDOG=1", place)
            except OSError as error:
                log.warning("the watchdog of the service manager cannot be notified: %s", error)
            await asyncio.sleep(seconds / 2)
