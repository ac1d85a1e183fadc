"""A third language is one file: a bot answers in it, with its menu of commands, its own texts and its errors."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beseda.bots.catalog import Catalog
from beseda.config import load_settings
from beseda.core.errors import SettingsError, UnavailableError
from beseda.locales import Text
from beseda.locales.catalogue import languages, use_folder
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxUser
from scripts.source import ROOT
from tests.parts.living_bot import ANNA, LivingBot, living_bot
from tests.parts.pseudo_language import LANGUAGE, translate, write_language

FILE = Path("locales") / f"{LANGUAGE}.toml"
BOTS = Catalog([]).names()
APOLOGY = Catalog([]).load("llama").apology


@pytest.fixture(autouse=True)
def _other_tests_have_two_languages() -> Iterator[None]:
    yield
    use_folder(Path("absent"))


async def speaker(living: LivingBot) -> SandboxUser:
    """Return a person whose Telegram is in the new language."""
    added = await (await living.user()).call("POST", "/users", json={"first_name": "Ludo", "language_code": LANGUAGE})
    return await living.user(int(added["id"]))


@pytest.mark.parametrize("name", BOTS)
async def test_bot_greets_and_offers_its_commands_in_the_language(tmp_path: Path, name: str) -> None:
    write_language(FILE)
    profile = Catalog([]).load(name)
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), name) as living:
        ludo = await speaker(living)
        await ludo.say("/help")
        shown = str((await ludo.wait_reply())["text"])
        commands = await living.calls("setMyCommands")
    plain = re.sub(r"[*_]", "", translate(profile.about.words["en"]))
    assert plain.splitlines()[0] in shown
    assert not re.search("[а-яё]", shown, re.IGNORECASE)
    [ours] = [call["params"]["commands"] for call in commands if call["params"].get("language_code") == LANGUAGE]
    assert [command["description"] for command in ours if command["command"] == "help"] == [translate("what I can do")]


async def test_handlers_of_a_bot_speak_the_language(tmp_path: Path) -> None:
    write_language(FILE)
    async with living_bot(tmp_path, ScriptedModel(["Saluton!"]), "llama") as living:
        ludo = await speaker(living)
        await ludo.say("hello")
        counter = translate("💾 Context: {count}/{window}").format(count=2, window=20)
        assert (await ludo.wait_reply())["text"] == f"Saluton!\n\n{counter}"
        await ludo.say("/clear")
        await ludo.wait_text(translate("Erase our whole conversation? It cannot be brought back."))


@pytest.mark.parametrize(("name", "text"), [("assistant", error_text(UnavailableError)), ("llama", APOLOGY)])
async def test_failure_is_reported_in_the_language(tmp_path: Path, name: str, text: Text) -> None:
    write_language(FILE)
    async with living_bot(tmp_path, ScriptedModel([UnavailableError("down")]), name) as living:
        ludo = await speaker(living)
        await ludo.say("hello")
        reply = await ludo.wait_reply()
    assert str(reply["text"]) == translate(text.say("en"))


async def test_texts_that_are_not_translated_are_english_and_the_others_stay(tmp_path: Path) -> None:
    FILE.parent.mkdir()
    FILE.write_text('[clear]\nyes = "🗑 Forviŝi"\n[bots.assistant.bot]\ngreeting = "Saluton!"\n', encoding="utf-8")
    async with living_bot(tmp_path, ScriptedModel(fallback="ok")) as living:
        ludo, anna = await speaker(living), await living.user(ANNA)
        await ludo.say("/start")
        assert str((await ludo.wait_reply())["text"]).startswith("Saluton!")
        await ludo.say("/clear")
        asked = await ludo.wait_text("Erase our whole conversation?")
        [[yes, no]] = asked["reply_markup"]["inline_keyboard"]
        assert (yes["text"], no["text"]) == ("🗑 Forviŝi", "Keep it")
        await anna.say("/clear")
        await anna.wait_text("Стереть весь наш разговор?")


def test_language_of_a_person_without_one_can_be_the_new_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BESEDA_LANG: 'eo' will not do"):
        load_settings(None, {}, {"BESEDA_LANG": LANGUAGE})
    write_language(tmp_path / "texts" / f"{LANGUAGE}.toml")
    settings = load_settings(None, {}, {"BESEDA_LANG": LANGUAGE, "BESEDA_LOCALES_DIR": "texts"})
    assert (settings.language, languages()) == (LANGUAGE, ("ru", "en", LANGUAGE))
    assert Text("chat.stop").say(settings.language) == translate("⏹ Stop")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("eo", "a = ", "eo.toml cannot be read"),
        ("eo", 'clear.yess = "Jes"', "clear.yess: there is no such text"),
        ("eo", 'meetings.reminder = "Je {tempo}"', "meetings.reminder: there is no {tempo}, there are {time}"),
        ("eo", 'meetings.reminder = "Je {time:x}"', "meetings.reminder: there is no {time:x}, there are {time}"),
        ("eo", 'meetings.reminder = "Je {time"', "meetings.reminder: expected '}' before end of string"),
        ("Esperanto", 'clear.yes = "Jes"', "is not named after a language; call it esperanto.toml"),
    ],
)
def test_file_that_does_not_fit_is_refused_at_the_start(name: str, content: str, problem: str) -> None:
    FILE.parent.mkdir()
    FILE.with_stem(name).write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {}, {})
    assert problem in refused.value.detail


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('bots.llama.reset = "{x}"', "bots.llama: eo: reset: there is no {x}, there are no fields"),
        ('bots.llama.resett = "x"', "bots.llama: eo: resett: there is no such text in"),
        ('bots.llama.bot.title = "Lamo"', ""),
    ],
)
def test_texts_of_a_bot_that_do_not_fit_are_refused_with_it(content: str, problem: str) -> None:
    FILE.parent.mkdir()
    FILE.write_text(content, encoding="utf-8")
    load_settings(None, {}, {})
    try:
        title = Catalog([]).load("llama").title.say(LANGUAGE)
    except SettingsError as error:
        assert problem and problem in error.detail
    else:
        assert (title, problem) == ("Lamo", "")


async def test_language_of_the_page_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "languages.md").read_text(encoding="utf-8")
    language, bots, _ = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    FILE.parent.mkdir()
    FILE.write_text(language + bots, encoding="utf-8")
    async with living_bot(tmp_path, ScriptedModel(fallback="ok")) as living:
        ludo = await speaker(living)
        await ludo.say("/start")
        assert str((await ludo.wait_reply())["text"]).startswith("Guten Tag!")
        await ludo.say("/clear")
        await ludo.wait_text("Unser ganzes Gespräch löschen?")
