from pathlib import Path

import aiohttp
import pytest

from botapi_sandbox import RunningSandbox
from tests.parts.sandboxes import BotClient, open_sandbox


@pytest.mark.parametrize("path", ["/sandbox", "/sandbox/static/x.js", "/sandbox/api/state", "/sandbox/api/calls"])
async def test_other_host_names_are_refused(bot: BotClient, path: str) -> None:
    async with bot.session.get(bot.base_url + path, headers={"Host": "evil.example:8090"}) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_writing_from_another_site_is_refused(bot: BotClient, headers: dict[str, str]) -> None:
    async with bot.session.post(f"{bot.base_url}/sandbox/api/reset", headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example:8090"}, 403),
        ({"Host": "sandbox:8090"}, 200),
        ({"Host": "192.168.0.7:8090"}, 200),
        ({"Host": "[::1]:8090"}, 200),
        ({"Host": "host.docker.internal"}, 200),
    ],
)
async def test_browsers_and_foreign_names_cannot_call_the_bot_side(
    bot: BotClient, headers: dict[str, str], status: int
) -> None:
    async with bot.session.post(f"{bot.base_url}/bot{bot.token}/getMe", headers=headers) as response:
        assert response.status == status


async def test_writing_from_the_page_itself_is_allowed(bot: BotClient) -> None:
    headers = {"Origin": bot.base_url, "Sec-Fetch-Site": "same-origin"}
    await bot.user_side("POST", "/reset", headers=headers)


async def test_page_and_its_files_are_served_with_a_strict_policy(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    (page / "app.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    async with open_sandbox(tmp_path / "sandbox", page_folder=page) as running:
        async with session.get(f"{running.base_url}/sandbox") as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        async with session.get(f"{running.base_url}/sandbox/static/app.js") as response:
            assert response.content_type == "text/javascript"
        async with session.get(f"{running.base_url}/sandbox/static/%2e%2e/secret.txt") as response:
            assert response.status == 404


async def test_state_names_bots_users_and_groups(running: RunningSandbox, bot: BotClient) -> None:
    await bot.get("setMyCommands", commands=[{"command": "start", "description": "Начать"}])
    state = await bot.user_side("GET", "/state")
    assert state["bots"][0]["commands"] == [{"command": "start", "description": "Начать"}]
    assert [user["first_name"] for user in state["users"]] == ["Анна", "Chris", "Борис"]
    assert [group["is_forum"] for group in state["groups"]] == [False, True]
    assert bot.token not in str(state)


async def test_new_user_can_talk(bot: BotClient) -> None:
    user = await bot.user_side("POST", "/users", json={"first_name": "Вера", "language_code": "ru"})
    fields = {"user_id": user["id"], "text": "привет"}
    await bot.user_side("POST", f"/dialogs/first_bot:{user['id']}/messages", json=fields)
    (update,) = await bot.get("getUpdates")
    assert update["message"]["from"] == user
