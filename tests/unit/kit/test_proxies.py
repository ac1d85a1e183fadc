"""Proxies from the environment."""

import pytest

from beseda.kit.proxies import Proxy, find_proxy, is_this_machine


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
def test_straight_where_no_proxy_is_meant(address: str) -> None:
    assert find_proxy(address) == Proxy()


@pytest.mark.parametrize(("host", "here"), [("127.0.0.9", True), ("::1", True), ("10.0.0.1", False)])
def test_this_machine_is_known(host: str, *, here: bool) -> None:
    assert is_this_machine(host) == here
