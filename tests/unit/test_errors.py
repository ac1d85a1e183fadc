import pickle
import re

import pytest

import beseda.errors
from beseda.errors import (
    BesedaError,
    LeaseLostError,
    RemoteError,
    SettingsError,
    StorageError,
    TelegramFloodError,
)


    TelegramRefusedError,
def walk(kind: type[BesedaError]) -> list[type[BesedaError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in walk(child))]


EVERY = [kind for kind in walk(BesedaError) if kind.__module__ == beseda.errors.__name__]
every_error = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


@every_error
def test_error_speaks_both_languages(kind: type[BesedaError]) -> None:
    russian, english = kind("detail").say("ru"), kind("detail").say("en")
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english)
    assert max(len(russian), len(english)) <= 200


@every_error
def test_error_survives_pickling_whole(kind: type[BesedaError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("what the log needs", retry_after=2.5)))
    assert (type(copy), copy.detail, copy.retry_after, str(copy)) == (kind, "what the log needs", 2.5, str(copy))


@every_error
def test_detail_never_reaches_the_user(kind: type[BesedaError]) -> None:
    error = kind("sk-secret /var/lib/beseda")
    assert "sk-secret" not in error.say("ru") + error.say("en")


@every_error
def test_error_is_drawn_in_the_tree_with_its_status(kind: type[BesedaError]) -> None:
    assert beseda.errors.__doc__ is not None
    line = next((line for line in beseda.errors.__doc__.splitlines() if re.search(rf"\b{kind.__name__}\b", line)), "")
    assert line, f"{kind.__name__} is missing in the drawn tree"
    drawn = re.search(r"\b[45]\d\d\b", line)
    assert drawn is None or int(drawn[0]) == kind.status


@every_error
def test_error_is_called_an_error_and_explained(kind: type[BesedaError]) -> None:
    assert kind.__name__.endswith("Error")
    assert (kind.__doc__ or "").strip().endswith(".")


def test_unforeseen_error_is_our_bug() -> None:
    assert (BesedaError.status, BesedaError.retryable) == (500, False)


def test_error_without_detail_has_a_readable_name_in_the_log() -> None:
    assert str(RemoteError()) == RemoteError.text.say("en")
    assert str(SettingsError("BESEDA_PORT: …")) == "BESEDA_PORT: …"


def test_a_lost_lease_is_no_fault_of_the_database() -> None:
    assert not issubclass(LeaseLostError, StorageError)
    assert LeaseLostError.retryable


def test_flood_says_how_long_to_wait() -> None:
    assert TelegramFloodError("sendMessage", 429, "Too Many Requests", retry_after=3).retry_after == 3


def test_refusal_of_telegram_carries_its_data_and_survives_pickling() -> None:
    refused = TelegramRefusedError("sendMessage", 400, "Bad Request: chat not found")
    copy = pickle.loads(pickle.dumps(refused))
    assert (copy.method, copy.code, copy.description) == ("sendMessage", 400, "Bad Request: chat not found")
    assert str(copy) == "sendMessage: 400 Bad Request: chat not found"
    assert str(TelegramRefusedError("getFile", description="TimeoutError")) == "getFile: TimeoutError"
