"""The reason of a connection that failed."""

import errno

import pytest

from beseda.http.client import describe_os_error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.1', 1)"), "No route to host"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0)"), "OSError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_reason_does_not_repeat_the_address(error: OSError, reason: str) -> None:
    assert describe_os_error(error) == reason
