"""`beseda bots`: a bot of one's own, from its folder to its first answer."""

import json
import shutil

import pytest

from botapi_sandbox import DEFAULT_USERS, SandboxUser
from tests.acceptance.program import Program

ANNA = DEFAULT_USERS[0].id
HANDLERS = """
from beseda.engine.context import Context
from beseda.engine.router import Router

router = Router()


@router.command("price")
async def tell_price(context: Context) -> None:
    await context.reply("It costs **five** coins.")
"""
TEXTS = "texts: {price: {ru: сколько стоит, en: what it costs}}"


async def test_new_bot_with_its_own_command_answers(beseda: Program) -> None:
    made = await beseda("bots", "new", "shop-helper")
    assert (made.code, made.err) == (0, "")
    assert "beseda run --bot shop-helper" in made.out
    folder = beseda.folder / "bots/shop-helper"
    text = (folder / "bot.yaml").read_text().replace("stop]", "stop, price]")
    (folder / "bot.yaml").write_text(f"{text}{TEXTS}\n")
    (folder / "handlers.py").write_text(HANDLERS)
    checked = await beseda("bots", "check")
    assert (checked.code, checked.err) == (0, "")
    assert {"✓ assistant", "✓ shop-helper"} <= set(checked.out.splitlines())
    async with (
        beseda.serve("run", "--bot", "shop-helper") as service,
        SandboxUser(service.url, ANNA, f"shop_helper_bot:{ANNA}") as anna,
    ):
        await anna.say("/price")
        assert (await anna.wait_reply())["text"] == "It costs five coins."
        await anna.say("/start")
        assert "Напишите мне что-нибудь" in (await anna.wait_reply())["text"]
        calls = (await anna.call("GET", "/calls", params={"method": "setMyCommands"}))["calls"]
        assert any({"command": "price", "description": "сколько стоит"} in call["params"]["commands"] for call in calls)
        assert await service.stop() == 0


async def test_bots_are_listed_for_people_and_programs(beseda: Program) -> None:
    refused = await beseda("bots", "new", "sales")
    assert (refused.code, "bundled bot 'sales'" in refused.complaint) == (2, True)
    assert not (beseda.folder / "bots/sales").exists()
    await beseda("bots", "new", "sales", "--replace")
    (beseda.folder / "bots/sales/persona_prompt.md").unlink()
    rows = {row["name"]: row for row in json.loads((await beseda("bots", "list", "--json")).out)}
    assert rows["assistant"]["title"] == "Assistant"
    assert rows["sales"] == {"name": "sales", "title": None, "folder": "bots/sales"}
    shown = await beseda("bots", "list")
    assert (shown.code, [line.split()[0] for line in shown.out.splitlines()]) == (0, list(rows))
    assert "beseda bots check" in shown.out


@pytest.mark.parametrize("name", ["Sales", "../sales", "a" * 40])
async def test_invalid_name_is_refused(name: str, beseda: Program) -> None:
    refused = await beseda("bots", "new", name)
    assert refused.code == 2
    assert "small letters" in refused.complaint
    assert list(beseda.folder.iterdir()) == []


async def test_names_that_yaml_takes_for_something_else_work(beseda: Program) -> None:
    names = ["true", "null", "on", "y"]
    for name in names:
        assert (await beseda("bots", "new", name)).code == 0
    assert {f"✓ {name}" for name in names} <= set((await beseda("bots", "check")).out.splitlines())


async def test_folder_is_never_written_over_and_a_shadow_is_reported(beseda: Program) -> None:
    made = await beseda("bots", "new", "assistant", "--replace")
    assert "above the bundled assistant" in made.out
    again = await beseda("bots", "new", "assistant", "--replace")
    assert (again.code, again.complaint) == (2, "beseda: bots/assistant is there already")


BROKEN = {
    "bot.yaml": [
        ("title: [", ["bot.yaml", "not YAML"]),
        ("", ["bot.yaml", "key: value"]),
        ("- a list", ["bot.yaml", "key: value"]),
        ("titel: {ru: a, en: b}", ["titel: there is no such key", "title: is missing"]),
        ("title: {ru: a}", ["title.en"]),
        ("\0", ["bot.yaml", "not YAML"]),
    ],
    "persona_prompt.md": [("  \n", ["is empty"]), ("a" * 70_000, ["over 64 KB"])],
    "handlers.py": [
        ("import nothing_of_that_name", ["handlers.py", "nothing_of_that_name"]),
        ("def (", ["handlers.py", "SyntaxError"]),
        ("x = 1", ["router = Router()"]),
        ("import sys\nsys.exit(3)", ["handlers.py", "SystemExit"]),
    ],
}
CASES = {
    f"{file.partition('.')[0].partition('_')[0]}{number}": (file, content, words)
    for file, cases in BROKEN.items()
    for number, (content, words) in enumerate(cases)
}


async def test_broken_folders_are_all_explained(beseda: Program) -> None:
    await beseda("bots", "new", "sales", "--replace")
    for name, (file, content, _) in CASES.items():
        folder = shutil.copytree(beseda.folder / "bots/sales", beseda.folder / "bots" / name)
        (folder / file).write_text(content)
    checked = await beseda("bots", "check")
    assert checked.code == 1
    assert {"✓ assistant", "✓ sales"} <= set(checked.out.splitlines())
    for name, (_, _, words) in CASES.items():
        told = [line for line in checked.err.splitlines() if line.startswith(f"✗ {name}: bots/{name}/")]
        assert [word for word in words if word not in "\n".join(told)] == [], told
    assert all(line.split()[1].rstrip(":") in CASES for line in checked.err.splitlines())


async def test_broken_bot_is_no_start(beseda: Program) -> None:
    await beseda("bots", "new", "sales", "--replace")
    (beseda.folder / "bots/sales/bot.yaml").write_text("title: 1")
    refused = await beseda("run", "--port", "0")
    assert (refused.code, refused.out) == (2, "")
    assert all(line.startswith("beseda: bots/sales/bot.yaml: ") for line in refused.err.splitlines())


async def test_names_that_share_a_variable_are_no_start(beseda: Program) -> None:
    for name in ("shop-one", "shop_one"):
        await beseda("bots", "new", name)
    refused = await beseda("run", "--port", "0")
    assert (refused.code, "'shop-one' and 'shop_one'" in refused.complaint) == (2, True)


async def test_folders_that_are_nearly_bots_are_reported(beseda: Program) -> None:
    for path in ("bots/Shop/bot.yaml", "bots/sales/persona_prompt.md"):
        (beseda.folder / path).parent.mkdir(parents=True)
        (beseda.folder / path).write_text("x")
    checked = await beseda("bots", "check", "--json")
    assert checked.code == 1
    found = json.loads(checked.out)
    assert "small letters" in found["bots/Shop"][0]
    assert "bot.yaml is missing" in found["bots/sales"][0]
    assert found["assistant"] == []


async def test_settings_come_from_the_named_file_under_the_environment(beseda: Program) -> None:
    (beseda.folder / "other.yaml").write_text("bots: {dir: mine}")
    assert "mine/sales" in (await beseda("bots", "new", "sales", "--replace", "--config", "other.yaml")).out
    theirs = beseda.with_environ(BESEDA_BOTS_DIR="theirs")
    assert "theirs/sales" in (await theirs("bots", "new", "sales", "--replace", "--config", "other.yaml")).out
    (beseda.folder / ".env").write_text("BESEDA_BOTS_DIR=from-dotenv\n")
    assert "from-dotenv/sales" in (await beseda("bots", "new", "sales", "--replace")).out
