import importlib
import pickle
import pkgutil
import re

import pytest

import beseda.core.errors
from beseda.audio.base import RecordingTooLongError
from beseda.core.errors import (
    BesedaError,
    BudgetExhaustedError,
    LeaseLostError,
    LoadingError,
    ModelNotFoundError,
    RefusedAddressError,
    RemoteError,
    SettingsError,
    StorageError,
    TelegramFloodError,
    TelegramRefusedError,
    TextTooLongError,
    UnavailableError,
    UnreadableTextError,
    name_error,
)
from beseda.locales import Text
from beseda.locales.catalogue import BUNDLED, FALLBACK, read_texts
from beseda.locales.errors import error_text, explain
from beseda.web.problems import find_status
from scripts.source import ROOT


def walk(kind: type[BesedaError]) -> list[type[BesedaError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in walk(child))]


EVERY = [kind for kind in walk(BesedaError) if kind.__module__ == beseda.core.errors.__name__]
STATUSES = {
    "BesedaError": 500,
    "InputError": 400,
    "FileTooLargeError": 413,
    "UnreadableAudioError": 422,
    "SilentAudioError": 422,
    "UnreadablePhotoError": 422,
    "PhotoTooLargeError": 413,
    "UnsupportedPhotoError": 415,
    "UnsupportedInputError": 415,
    "SpeechNotConfiguredError": 503,
    "NotASlotError": 422,
    "PeriodError": 422,
    "RefusedAddressError": 422,
    "TextTooLongError": 413,
    "UnreadableTextError": 415,
    "AccessDeniedError": 403,
    "NotFoundError": 404,
    "SlotTakenError": 409,
    "MeetingOverError": 409,
    "TooManyMeetingsError": 409,
    "BroadcastBusyError": 409,
    "BroadcastStateError": 409,
    "ReportNotReadyError": 409,
    "WebhooksOffError": 409,
    "MergeRefusedError": 409,
    "StaleVersionError": 412,
    "RateLimitedError": 429,
    "StorageError": 503,
    "LeaseLostError": 503,
    "BrokerUnavailableError": 503,
    "ToolError": 503,
    "TimeLimitError": 503,
    "RemoteError": 502,
    "TelegramError": 502,
}
every_error = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


@every_error
def test_error_speaks_both_languages(kind: type[BesedaError]) -> None:
    russian, english = explain(kind("detail"), "ru"), explain(kind("detail"), "en")
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
    assert "sk-secret" not in explain(error, "ru") + explain(error, "en")


@every_error
def test_error_is_drawn_in_the_tree_below_its_parent(kind: type[BesedaError]) -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    drawn = re.findall(r"^\| ((?:· )*)`(\w+Error)`", page, re.MULTILINE)
    assert [name for _, name in drawn].count(kind.__name__) == 1
    ancestors = [each for each in kind.__mro__ if issubclass(each, BesedaError)]
    assert [len(branch) for branch, name in drawn if name == kind.__name__] == [2 * (len(ancestors) - 1)]


@every_error
def test_error_has_the_status_of_its_nearest_ancestor_with_one(kind: type[BesedaError]) -> None:
    own = (STATUSES[each.__name__] for each in kind.__mro__ if each.__name__ in STATUSES)
    assert find_status(kind) == next(own)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(RefusedAddressError, 422), (UnreadableTextError, 415), (TextTooLongError, 413), (RecordingTooLongError, 413)],
)
def test_error_of_a_single_service_has_its_status(kind: type[BesedaError], status: int) -> None:
    assert find_status(kind) == status


@every_error
def test_error_is_called_an_error_and_explained(kind: type[BesedaError]) -> None:
    assert kind.__name__.endswith("Error")
    assert (kind.__doc__ or "").strip().endswith(".")


def test_every_text_of_an_error_belongs_to_one() -> None:
    for module in pkgutil.walk_packages(beseda.__path__, "beseda."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    names = {name_error(kind) for kind in walk(BesedaError)} | {"budget_renewed"}
    texts = {key.removeprefix("errors.") for key in read_texts(BUNDLED, FALLBACK) if key.startswith("errors.")}
    assert {text for text in texts if "." not in text} <= names


def test_error_without_its_own_text_has_that_of_its_kind() -> None:
    assert error_text(UnavailableError) == error_text(RemoteError) != error_text(LoadingError)
    assert explain(BudgetExhaustedError("", retry_after=3660), "en").endswith("in 1 h 1 min.")


def test_text_of_a_service_stays_with_an_error_that_crosses_processes() -> None:
    error = UnavailableError("down", endpoint="a:b", status=503, code="busy")
    error.text_name, error.hint = "speech.busy", "wait"
    copy = pickle.loads(pickle.dumps(error))
    assert (explain(copy, "en"), copy.detail) == (Text("errors.speech.busy").say("en"), "a:b: down; wait")
    assert (copy.status, copy.code) == (503, "busy")


def test_unforeseen_error_is_our_bug() -> None:
    assert (find_status(BesedaError), BesedaError.retryable) == (500, False)


def test_error_without_detail_has_a_readable_name_in_the_log() -> None:
    assert str(ModelNotFoundError()) == "model not found"
    assert str(SettingsError("BESEDA_PORT: …")) == "BESEDA_PORT: …"


def test_a_lost_lease_is_no_fault_of_the_database() -> None:
    assert not issubclass(LeaseLostError, StorageError)
    assert LeaseLostError.retryable


def test_flood_names_the_time_to_wait() -> None:
    assert TelegramFloodError("sendMessage", 429, "Too Many Requests", retry_after=3).retry_after == 3


def test_refusal_of_telegram_carries_its_data_and_survives_pickling() -> None:
    refused = TelegramRefusedError("sendMessage", 400, "Bad Request: chat not found")
    copy = pickle.loads(pickle.dumps(refused))
    assert (copy.method, copy.code, copy.description) == ("sendMessage", 400, "Bad Request: chat not found")
    assert str(copy) == "sendMessage: 400 Bad Request: chat not found"
    assert str(TelegramRefusedError("getFile", description="TimeoutError")) == "getFile: TimeoutError"
