"""Identity of a process: a name from which other processes on this machine can see whether it is alive."""

import functools
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

_ours: set[str] = set()


def new_process_id() -> str:
    """Return a unique name for this process: machine, process id and a random number."""
    name = f"{_host()}:{os.getpid()}:{secrets.token_hex(4)}"
    _ours.add(name)
    return name


def find_dead_processes(owners: Iterable[str]) -> list[str]:
    """Return the owners that are certainly dead. Processes of other machines are unknown: their leases must expire."""
    return [owner for owner in owners if owner not in _ours and _is_dead(owner)]


def _is_dead(owner: str) -> bool:
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host != _host() or not number.isdigit():
        return False
    # One with our own number ran before us: in a container every first process has the same one.
    return int(number) == os.getpid() or not _is_running(int(number))


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@functools.cache
def _host() -> str:
    """Return an identifier common to all processes that can see each other's process ids.

    A host's name is not enough, because containers of one Compose service may share it. The identifier adds the boot of
    the machine and the PID namespace (https://man7.org/linux/man-pages/man7/pid_namespaces.7.html).
    """
    boot, space = _read("/proc/sys/kernel/random/boot_id")[:8], _follow("/proc/self/ns/pid")
    return "-".join(filter(None, (socket.gethostname().replace(":", "_"), boot, space)))


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _follow(path: str) -> str:
    try:
        return "".join(filter(str.isdigit, str(Path(path).readlink())))
    except OSError:
        return ""
