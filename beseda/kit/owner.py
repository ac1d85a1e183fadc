"""Who works on something: a process, by a name that tells others on this machine whether it is still alive."""

import functools
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

_ours: set[str] = set()


def name_owner() -> str:
    """Return a name that nothing of this process or one before it had: machine, process id, something random."""
    name = f"{_host()}:{os.getpid()}:{secrets.token_hex(4)}"
    _ours.add(name)
    return name


def find_dead(owners: Iterable[str]) -> list[str]:
    """Return those owners that surely run no more. Of other machines nothing is known: there a lease has to run out."""
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
    """Return what two processes have in common that can see each other's number.

    That is more than a host's name, which containers of one Compose service may share: this run of the machine, and
    the space of process numbers (https://man7.org/linux/man-pages/man7/pid_namespaces.7.html).
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
