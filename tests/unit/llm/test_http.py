import base64

import pytest
from yarl import URL

from beseda.llm.http import _find_proxy, count_connections, is_this_machine

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_no_variable_means_no_proxy() -> None:
    assert _find_proxy(URL("https://example.org/v1")) == (None, {})


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://name:pass@proxy:3128")
    proxy, headers = _find_proxy(URL("https://example.org/v1"))

    assert str(proxy) == "http://proxy:3128"
    assert headers == {"Proxy-Authorization": "Basic " + base64.b64encode(b"name:pass").decode()}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:8000", "http://[::1]:1", "http://inside.lan"]
)
def test_proxy_does_not_stand_before_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.lan")

    assert _find_proxy(URL(url)) == (None, {})


@pytest.mark.parametrize(("host", "loopback"), [("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), (None, False)])
def test_this_machine(host: str | None, loopback: bool) -> None:
    assert is_this_machine(host) == loopback


def test_connections_leave_files_for_the_rest() -> None:
    assert 64 <= count_connections() <= 4096
