"""Bots from their folders."""

from pathlib import Path

import pytest

from beseda.bots.catalog import BUNDLED, Catalog
from beseda.core.errors import SettingsError
from beseda.engine.bot import Access
from beseda.engine.handlers.start import COMMANDS
from beseda.engine.usage.budget import BudgetChange, BudgetScope, Unit

MINIMAL = """
title: {ru: " Продажи ", en: Sales}
about: {ru: продаёт, en: sells}
greeting: {ru: Привет, en: Hello}
"""
HANDLERS = """
from beseda.engine.router import Router
router = Router()
async def tell(context): ...
router.command("price")(tell)
"""


def write_bot(folder: Path, name: str = "sales", text: str = MINIMAL, **files: str) -> Path:
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "bot.yaml").write_text(text, "utf-8")
    (place / "persona_prompt.md").write_text("You sell.\n", "utf-8")
    for file, content in files.items():
        (place / f"{file}.py").write_text(content, "utf-8")
    return place


def refusal(catalog: Catalog, name: str = "sales") -> str:
    with pytest.raises(SettingsError) as caught:
        catalog.load(name)
    return caught.value.detail


@pytest.mark.parametrize("name", Catalog([]).names())
def test_bundled_bot_is_whole(name: str) -> None:
    profile = Catalog([]).load(name)
    assert profile.name == name
    assert {"start", "help"} <= set(profile.commands)
    texts = (profile.title, profile.about, profile.greeting, *profile.examples)
    assert all(text.words["ru"] and text.words["en"] for text in texts)
    assert len(profile.persona) > 200


def test_bot_that_sells_names_its_stages_and_questions() -> None:
    catalog = Catalog([])
    profile = catalog.load("sales")
    assert profile.stages[:2] == ("greeting", "discovery")
    assert profile.slot_titles["budget"].say("ru") == catalog.slot_titles()["budget"].say("ru") != "budget"
    assert (catalog.load("llama").stages, catalog.load("llama").slot_titles) == ((), {})


def test_unset_value_has_a_default(tmp_path: Path) -> None:
    write_bot(tmp_path)
    profile = Catalog([tmp_path]).load("sales")
    assert (profile.title.say("ru"), profile.persona, profile.window) == ("Продажи", "You sell.", 10)
    assert (profile.temperature, profile.access, profile.voice) == (None, Access.ADMINS, True)
    assert set(profile.commands) == set(COMMANDS)


def test_own_folder_stands_above_the_bundled_one(tmp_path: Path) -> None:
    write_bot(tmp_path, "assistant")
    catalog = Catalog([tmp_path / "none", tmp_path])
    assert catalog.folder("assistant") == tmp_path / "assistant"
    assert catalog.load("assistant").title.say("en") == "Sales"
    assert Catalog([]).folder("assistant") == BUNDLED / "assistant"


@pytest.mark.parametrize("name", ["nobody", "../sales", "", "Sales", "sales/..", "."])
def test_unknown_name_is_refused_with_those_there_are(name: str, tmp_path: Path) -> None:
    write_bot(tmp_path)
    assert "the bots are assistant" in refusal(Catalog([tmp_path]), name)


def test_names_are_sorted_and_only_names(tmp_path: Path) -> None:
    for name in ("zebra", "ant", "Big", "with space", ".hidden"):
        write_bot(tmp_path, name)
    (tmp_path / "empty").mkdir()
    catalog = Catalog([tmp_path])
    assert [name for name in catalog.names() if not (BUNDLED / name).is_dir()] == ["ant", "zebra"]
    assert {folder.name for folder in catalog.strays()} == {"Big", "with space", ".hidden"}


def test_folder_without_its_main_file_is_a_stray(tmp_path: Path) -> None:
    (write_bot(tmp_path) / "bot.yaml").rename(tmp_path / "sales" / "bot.yml")
    assert list(Catalog([tmp_path]).strays().values()) == ["bot.yaml is missing, so that it is no bot"]


WRONG = {
    "window": ("window: 0", "window"),
    "window-word": ("window: many", "window"),
    "temperature": ("temperature: 3", "temperature"),
    "access": ("access: friends", "access"),
    "key": ("colour: red", "colour: there is no such key"),
    "command-form": ("commands: [Start]", "commands.0"),
    "command-handled": ("commands: [start, dance]", "nobody handles /dance"),
    "empty-text": ("examples: [{ru: '', en: x}]", "examples.0.ru"),
    "double-answer": ("examples: {ru: a}", "examples"),
}


@pytest.mark.parametrize(("line", "words"), WRONG.values(), ids=WRONG)
def test_wrong_value_is_named_with_its_file(line: str, words: str, tmp_path: Path) -> None:
    place = write_bot(tmp_path, text=f"{MINIMAL}\n{line}\n")
    text = refusal(Catalog([tmp_path]))
    assert text.startswith(f"{place / 'bot.yaml'}: ")
    assert words in text


def test_persona_must_be_text(tmp_path: Path) -> None:
    persona = write_bot(tmp_path) / "persona_prompt.md"
    persona.write_bytes(b"\xff")
    assert "UTF-8" in refusal(Catalog([tmp_path]))
    persona.unlink()
    assert "needs its persona" in refusal(Catalog([tmp_path]))


def test_own_command_needs_a_handler_and_words_for_the_menu(tmp_path: Path) -> None:
    text = f"{MINIMAL}\ncommands: [start, price]\n"
    write_bot(tmp_path, text=text, handlers=HANDLERS)
    catalog = Catalog([tmp_path])
    assert "texts: /price is missing" in refusal(catalog)
    write_bot(tmp_path, text=f"{text}texts: {{price: {{ru: цена, en: price}}}}\n")
    profile = catalog.load("sales")
    assert profile.texts["price"].say("en") == "price"
    assert {"price", "start"} <= set(catalog.router("sales").commands)


def test_handlers_of_two_folders_do_not_mix(tmp_path: Path) -> None:
    for number in (1, 2):
        write_bot(tmp_path / str(number), handlers=HANDLERS.replace("price", f"price{number}"))
    routers = [Catalog([tmp_path / str(number)]).router("sales") for number in (1, 2, 1)]
    assert ["price1" in router.commands for router in routers] == [True, False, True]
    assert ["price2" in router.commands for router in routers] == [False, True, False]


def test_handlers_that_break_leave_nothing_behind(tmp_path: Path) -> None:
    place = write_bot(tmp_path, handlers="raise RuntimeError('half done')")
    assert "half done" in refusal(Catalog([tmp_path]))
    (place / "handlers.py").write_text(HANDLERS)
    assert "price" in Catalog([tmp_path]).router("sales").commands


def test_budgets_of_a_folder_are_read(tmp_path: Path) -> None:
    budgets = "budgets: {user_tokens: 500, bot_speech_minutes: 2, user_pictures: 0, cheaper_model: groq}\n"
    write_bot(tmp_path, text=MINIMAL + budgets + "time_zone: Asia/Tokyo\n")
    profile = Catalog([tmp_path]).load("sales")
    limits = {
        (BudgetScope.USER, Unit.TOKENS): 500,
        (BudgetScope.BOT, Unit.SPEECH): 120,
        (BudgetScope.USER, Unit.PICTURES): 0,
    }
    assert (profile.budgets, profile.time_zone) == (BudgetChange(limits, "groq"), "Asia/Tokyo")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("budgets: {user_token: 5}", "budgets.user_token"),
        ("budgets: {user_tokens: -5}", "budgets.user_tokens"),
        ("budgets: {user_tokens: yes}", "budgets.user_tokens"),
        ("budgets: {user_tokens: 10000000000000}", "budgets.user_tokens"),
        ("budgets: {total_tokens: 5}", "budgets.total_tokens"),
        ("time_zone: Moscow", "time_zone"),
    ],
)
def test_wrong_budget_is_named(tmp_path: Path, line: str, place: str) -> None:
    write_bot(tmp_path, text=f"{MINIMAL}{line}\n")
    assert f"bot.yaml: {place}: " in refusal(Catalog([tmp_path]))
