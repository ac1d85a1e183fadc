"""Access: `ADMIN_IDS` closes every bot of the installation, and a bot's folder opens it again."""

from pathlib import Path

import pytest

from beseda.bots.catalog import Catalog
from beseda.engine.bot import Access
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, BORIS, living_bot

OPEN = {"sales"}
MINIMAL = """
title: {ru: Справочная, en: Desk}
about: {ru: отвечает, en: answers}
greeting: {ru: Привет, en: Hello}
"""


def write_bot(folder: Path, text: str) -> None:
    place = folder / "bots" / "desk"
    place.mkdir(parents=True)
    (place / "bot.yaml").write_text(text, "utf-8")
    (place / "persona_prompt.md").write_text("You answer.\n", "utf-8")


@pytest.mark.parametrize("name", sorted(set(Catalog([]).names()) - OPEN))
async def test_admin_ids_close_every_bundled_bot_to_strangers(tmp_path: Path, name: str) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, name, ADMIN_IDS=str(ANNA)) as living:
        boris = await living.user(BORIS)
        await boris.say("Пустите")
        await boris.wait_text("отвечает только своим")
        await living.settle()
    assert model.requests == []


async def test_admin_ids_close_a_custom_bot(tmp_path: Path) -> None:
    write_bot(tmp_path, MINIMAL)
    model = ScriptedModel(["Да, Анна"])
    async with living_bot(tmp_path, model, "desk", ADMIN_IDS=str(ANNA)) as living:
        anna, boris = await living.user(ANNA), await living.user(BORIS)
        await boris.say("Пустите")
        await boris.wait_text("отвечает только своим")
        await anna.say("Ты здесь?")
        await anna.wait_text("Да, Анна")
    assert len(model.requests) == 1


async def test_folder_opens_a_bot_to_everyone(tmp_path: Path) -> None:
    write_bot(tmp_path, f"{MINIMAL}access: everyone\n")
    async with living_bot(tmp_path, ScriptedModel(["Здравствуйте, Борис"]), "desk", ADMIN_IDS=str(ANNA)) as living:
        boris = await living.user(BORIS)
        await boris.say("Ты здесь?")
        await boris.wait_text("Здравствуйте, Борис")


def test_the_seller_alone_is_open_among_the_bundled_bots() -> None:
    catalog = Catalog([])
    assert {name for name in catalog.names() if catalog.load(name).access is Access.EVERYONE} == OPEN
