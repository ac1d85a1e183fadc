import time
from email.utils import formatdate

import orjson
import pytest

from beseda.core.errors import WEB_PAGE, UnavailableError
from beseda.http.faults import GATED_MODEL, NO_PERMISSION, FaultReader, find_refused_parameter, hide_secrets

SECRET = "plain-secret-without-shape"


def read_wait(headers: dict[str, str], error: object = None) -> float | None:
    body = orjson.dumps({"error": error or {"message": "slow down"}})
    return FaultReader("a:b", SECRET).read_refusal(429, body, headers).retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "-3"}, 0.0),
        ({"x-ratelimit-reset-tokens": "1m2.5s", "x-ratelimit-reset-requests": "2h"}, 62.5),
        ({"x-ratelimit-reset": "120ms"}, 0.12),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_wait_is_read_from_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert read_wait(headers) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({"x-ratelimit-reset-requests": "6m0s"}, None)]
)
def test_quota_headers_do_not_count_in_an_outage(headers: dict[str, str], seconds: float | None) -> None:
    assert FaultReader("a:b").read_refusal(503, b"{}", headers).retry_after == seconds


def test_a_service_without_capacity_is_worth_a_retry() -> None:
    error = FaultReader("groq:m").read_refusal(498, b'{"error": {"message": "Flex tier capacity exceeded"}}')
    assert (type(error), error.retryable) == (UnavailableError, True)


def test_wait_as_a_date() -> None:
    wait = read_wait({"Retry-After": formatdate(time.time() + 30, usegmt=True)})

    assert wait is not None
    assert 27 <= wait <= 31


@pytest.mark.parametrize("factor", [1, 1000])
def test_wait_as_an_epoch_in_the_body(factor: int) -> None:
    moment = str(int((time.time() + 30) * factor))
    wait = read_wait({}, {"message": "m", "metadata": {"headers": {"X-RateLimit-Reset": moment}}})

    assert wait is not None
    assert 27 <= wait <= 31


def test_wait_in_words() -> None:
    assert read_wait({}, {"message": "Limit 15000. Please try again in 1m5.289s. Visit"}) == pytest.approx(65.289)


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefghij. Find it",
        "bad token gsk_abcdefghijklmn",
        "Authorization: Bearer abcdefghijkl",
        f"you sent {SECRET}",
    ],
)
def test_keys_are_hidden(text: str) -> None:
    hidden = hide_secrets(text, SECRET)

    assert "***" in hidden
    assert "abcdefgh" not in hidden
    assert SECRET not in hidden


def test_detail_is_short_and_on_one_line() -> None:
    error = FaultReader("a:b").read_refusal(500, orjson.dumps({"error": {"message": "x\n" * 5000}}))

    assert len(error.detail) < 400
    assert "\n" not in error.detail


def test_upstream_reason_is_kept() -> None:
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "no such tool"}}}

    assert "no such tool" in FaultReader("a:b").read_refusal(400, orjson.dumps(body)).detail


@pytest.mark.parametrize(
    ("error", "parameter"),
    [
        ({"code": "unsupported_parameter", "param": "max_tokens", "message": "m"}, "max_tokens"),
        (
            {"code": None, "param": "temperature", "message": "'temperature' is not supported with this model"},
            "temperature",
        ),
        ({"code": "invalid_value", "param": "temperature", "message": "too hot"}, ""),
    ],
)
def test_refused_parameter_is_named(error: object, parameter: str) -> None:
    assert find_refused_parameter(orjson.dumps({"error": error})) == parameter


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            b'{"error": {"message": "no", "code": "model_not_found", "type": "invalid_request_error"}}',
            "model_not_found",
        ),
        (429, b'{"error": {"message": "no", "code": 429, "type": "rate_limit_error"}}', "rate_limit_error"),
        (404, b"<html>nginx</html>", WEB_PAGE),
        (403, b'{"error": "You do not have access to this gated repo"}', GATED_MODEL),
        (403, b'{"error": "Your request is awaiting a review from the repo authors"}', GATED_MODEL),
        (403, b'{"error": "This method does not have sufficient permissions"}', NO_PERMISSION),
        (500, b"out of memory", ""),
    ],
)
def test_refusal_carries_its_endpoint_status_and_code(status: int, body: bytes, code: str) -> None:
    error = FaultReader("a:b").read_refusal(status, body)
    assert (error.endpoint, error.status, error.code) == ("a:b", status, code)
    assert error.detail == f"a:b: {error.message}"
    error.hint = "check A_KEY"
    assert error.detail.endswith("; check A_KEY")
