"""Proxies from the environment."""

import pytest

from beseda.core.errors import SettingsError
from beseda.http.proxies import Proxy, find_proxy, is_this_machine


@pytest.fixture
def _proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ann:p%40ss@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")


@pytest.mark.usefixtures("_proxied")
def test_proxy_is_taken_from_the_environment_and_its_password_from_its_address() -> None:
    proxy = find_proxy("https://api.telegram.org/bot")
    assert proxy.address == "http://proxy.example:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic YW5uOnBAc3M="}


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize(
    "address", ["https://127.0.0.1:8081", "https://localhost", "https://inside.example", "http://other.example"]
)
def test_direct_connection_without_a_proxy(address: str) -> None:
    assert find_proxy(address) == Proxy()


@pytest.mark.parametrize(("host", "here"), [("127.0.0.9", True), ("::1", True), ("10.0.0.1", False)])
def test_this_machine_is_known(host: str, *, here: bool) -> None:
    assert is_this_machine(host) == here


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("all_proxy", "socks5://127.0.0.1:1", "ALL_PROXY"),
        ("ALL_PROXY", "socks5h://u:p%40ss@[::1]:1", "ALL_PROXY"),
        ("HTTPS_PROXY", "SOCKS://proxy.example", "HTTPS_PROXY"),
        ("https_proxy", "http://", "HTTPS_PROXY"),
        ("https_proxy", "http://proxy.example:port", "HTTPS_PROXY"),
        ("https_proxy", "http://[::1", "HTTPS_PROXY"),
        ("https_proxy", "quic://proxy.example:1", "HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        find_proxy("https://api.openai.com/v1")
    assert caught.value.detail.startswith(f"{named}: ")
    assert "p%40ss" not in caught.value.detail
    assert find_proxy("http://127.0.0.1:8080") == Proxy()


def test_a_variable_of_the_scheme_stands_above_all_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert find_proxy("https://api.openai.com/v1").address == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("exceptions", "address", "straight"),
    [
        ("*", "http://example.org", True),
        ("example.org", "http://api.example.org", True),
        ("example.org:8080", "http://example.org:8080", True),
        ("example.org:8080", "http://example.org", False),
        ("example.org:80", "http://example.org", True),
        ("10.0.0.0/8, 192.168.0.0/16", "http://192.168.7.7:8000", True),
        ("10.0.0.0/8", "http://11.0.0.1", False),
        ("fd00::/8", "http://[fd00::1]:8000", True),
        ("fd00::1", "http://[fd00::1]:8000", True),
    ],
)
def test_no_proxy_excepts_hosts_ports_and_networks(
    exceptions: str, address: str, straight: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", exceptions)
    assert (find_proxy(address) == Proxy()) is straight
