"""Open pages answer under names of this server only: a page of another site may have bound its name to it."""

from pathlib import Path

import pytest

from tests.parts.api_server import ApiServer, serve_api

PAGES = ("/health", "/ready", "/metrics", "/docs", "/openapi.json", "/nothing")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8090", "127.0.0.1.evil.example", "", "[::1", "a b.c"])
async def test_foreign_name_reads_no_open_page(api: ApiServer, host: str) -> None:
    for page in PAGES:
        answer = await api.call("GET", page, scope="", headers={"Host": host})
        assert answer.status in {400, 421}, page
        assert b"beseda_" not in answer.body


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090", "10.0.0.5", "bot:8090", "api.internal", "x.local"],
)
async def test_names_of_this_machine_and_its_network_read_them(api: ApiServer, host: str) -> None:
    for page in ("/health", "/metrics", "/docs"):
        assert (await api.call("GET", page, scope="", headers={"Host": host})).status == 200


async def test_name_known_only_to_a_proxy_is_allowed_if_one_is_set(tmp_path: Path) -> None:
    environ = {"BESEDA_HOSTS": "crm.example.org, other.example", "BESEDA_PUBLIC_URL": "https://bots.example.org"}
    environ["BESEDA_WEBHOOK_SECRET"] = "of-the-webhook_1"
    async with serve_api(tmp_path, **environ) as api:
        for host, status in (
            ("crm.example.org", 200),
            ("CRM.example.org:443", 200),
            ("bots.example.org", 200),
            ("evil.example", 421),
        ):
            answer = await api.call("GET", "/health", scope="", headers={"Host": host})
            assert answer.status == status, host
            assert status == 200 or "BESEDA_HOSTS" in answer.json["detail"]


async def test_requests_with_a_key_go_by_any_name(api: ApiServer) -> None:
    answer = await api.get("/api/v1/conversations", headers={"Host": "api.example.org"})
    assert answer.status == 200
