"""What every test lives under: no network beyond this machine, none of the person's settings, no skipping in CI."""

import ipaddress
import os
import re
import signal
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A database of examples would make a run depend on the one before. Other machines work beside us: time says nothing.
settings.register_profile("beseda", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("beseda"), max_examples=2000)
settings.load_profile("beseda")

_OURS = re.compile(
    r"BESEDA_.*|.*BOT_TOKEN|TELEGRAM_.*|.*_API_KEY|.*_BASE_URL|.*_MODEL_NAME|HF_TOKEN|HF_ALIASES|LLAMA_.*|GIGA_.*|GFPGAN_.*|ADMIN_IDS"
    r"|DATABASE_URL|REDIS_URL|CELERY_.*|STORAGE_DIR|LOG_LEVEL|CHAT_MEMORY_.*|(?i:https?|all|no)_proxy"
)


class NetworkReachedError(AssertionError):
    """A test tried to leave this machine."""


def _is_local(host: object) -> bool:
    if not isinstance(host, str) or host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _guard(event: str, args: tuple[object, ...]) -> None:
    # Python tells its audit hooks of every connection: nothing is replaced, and no library gets past it but in C.
    if event in {"socket.connect", "socket.sendto"} and isinstance(args[1], tuple) and not _is_local(args[1][0]):
        raise NetworkReachedError(f"{event} to {args[1]!r}: tests stay on this machine")
    if event == "socket.getaddrinfo" and not _is_local(args[0].decode() if isinstance(args[0], bytes) else args[0]):
        raise NetworkReachedError(f"asked for the address of {args[0]!r}: tests stay on this machine")


def pytest_configure() -> None:
    # A shell starts background jobs with SIGINT ignored, and children inherit that: Ctrl-C tests would never end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in list(os.environ):
        if _OURS.fullmatch(name):
            del os.environ[name]
    os.environ["HOME"] = tempfile.mkdtemp(prefix="beseda-home-")
    sys.addaudithook(_guard)


def pytest_unconfigure() -> None:
    home = Path(os.environ["HOME"])
    if home.name.startswith("beseda-home-") and not any(home.iterdir()):
        home.rmdir()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test in an empty folder: a person's .env, config.yaml and data/ are not seen and not touched."""
    monkeypatch.chdir(tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Half an emoji in a captured log could not travel from a worker process to the one that prints.
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"did not run, and CI=true asks for every test: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"did not run, and CI=true asks for every test: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
