"""Notifications for the watchdog of systemd, over a real datagram socket."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from beseda.config.watchdog import WatchdogSettings, read_watchdog
from beseda.core.watchdog import keep_watchdog


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, None),
        ({"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1", "WATCHDOG_USEC": "1000000"}, None),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "60000000"}, WatchdogSettings("@n", 60.0)),
    ],
)
def test_watchdog_is_read_from_the_environment(
    variables: dict[str, str], found: WatchdogSettings | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert read_watchdog() == found


@pytest.mark.parametrize("kind", ["path", "abstract"])
async def test_a_live_loop_notifies_and_a_dead_one_is_silent(tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@beseda-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{address[1:]}" if kind == "abstract" else address)
        receiver.setblocking(False)
        task = asyncio.create_task(keep_watchdog(address, 0.02))
        loop = asyncio.get_running_loop()
        for _ in range(3):
            assert await asyncio.wait_for(loop.sock_recv(receiver, 100), 5) == b"WATCHDOG=1"
        task.cancel()
        await asyncio.wait([task])


async def test_a_socket_that_is_away_ends_nothing(tmp_path: Path) -> None:
    task = asyncio.create_task(keep_watchdog(str(tmp_path / "none"), 0.01))
    done, _ = await asyncio.wait([task], timeout=0.1)
    task.cancel()
    assert not done
