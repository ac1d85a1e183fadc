"""Who runs a job: a process, by a name that tells others on this machine whether it is still alive."""

import os
import secrets
import socket
from collections.abc import Iterable

_ours: set[str] = set()


def name_owner() -> str:
    """Return a name for a queue of this process that none before it had: host, process id, something random."""
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


def _host() -> str:
    return socket.gethostname().replace(":", "_")
