"""Back-ends in place of each other, and the rule that says when one is asked again."""

import pytest

from beseda.core.backoff import Backoff
from beseda.core.errors import KeyRejectedError, QuotaExceededError, ToolError, UnavailableError
from beseda.core.failover import BackendHealth, Failover, RetryRule

RULE = RetryRule(attempts=3, longest_wait=8.0, backoff=Backoff(first=2.0, jitter=0.0))


class _Server:
    def __init__(self, name: str, outcome: str | Exception) -> None:
        self.name = name
        self.closed = False
        self._outcome = outcome

    async def work(self) -> str:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    async def check(self) -> BackendHealth:
        return BackendHealth(isinstance(self._outcome, str), self.name)

    async def close(self) -> None:
        self.closed = True


async def _work(*servers: _Server) -> str:
    return await Failover(servers).try_each(_Server.work, (UnavailableError, KeyRejectedError))


async def test_the_first_that_works_answers() -> None:
    assert await _work(_Server("a", UnavailableError("down")), _Server("b", "b"), _Server("c", "c")) == "b"


async def test_the_error_that_a_retry_may_help_stands_for_all() -> None:
    servers = [_Server("a", UnavailableError("down")), _Server("b", KeyRejectedError("wrong"))]
    with pytest.raises(UnavailableError):
        await _work(*servers)
    with pytest.raises(KeyRejectedError):
        await _work(servers[1])


async def test_an_error_of_another_kind_ends_the_search() -> None:
    with pytest.raises(ToolError):
        await _work(_Server("a", ToolError("broken")), _Server("b", "b"))


async def test_one_that_works_is_enough_for_health_and_all_are_closed() -> None:
    servers = [_Server("a", UnavailableError("down")), _Server("b", "b")]
    failover = Failover(servers)
    assert (failover.name, await failover.check()) == ("a,b", BackendHealth(True, "a; b"))
    await failover.close()
    assert all(server.closed for server in servers)
    with pytest.raises(ValueError, match="at least one"):
        Failover([])


@pytest.mark.parametrize(
    ("error", "attempt", "attempts", "wait"),
    [
        (UnavailableError("down"), 0, None, 2.0),
        (UnavailableError("down"), 1, None, 4.0),
        (UnavailableError("down"), 2, None, None),
        (UnavailableError("down"), 0, 1, None),
        (UnavailableError("down"), 2, 9, None),
        (KeyRejectedError("wrong"), 0, None, None),
        (QuotaExceededError("slow", retry_after=8.0), 0, None, 8.0),
        (QuotaExceededError("slow", retry_after=8.1), 0, None, None),
    ],
)
def test_rule_gives_the_wait_before_a_retry(
    error: UnavailableError, attempt: int, attempts: int | None, wait: float | None
) -> None:
    assert RULE.find_wait(error, attempt, attempts=attempts) == wait
