"""Modes by name: those that come with the program, and those of a bot's own folder."""

from pathlib import Path

import pytest

from beseda.bots.catalog import Catalog
from beseda.core.errors import SettingsError
from beseda.modes.registry import find_mode, list_modes

BOT = """
title: {ru: Бот, en: Bot}
about: {ru: умеет, en: can}
greeting: {ru: Привет, en: Hello}
"""
OWN = """
from beseda.engine.modes import Mode
from beseda.locales import Text

async def run(context, material): ...

mode = Mode(Text(ru="Своё", en="Own"), Text(ru="о", en="about"), Text(ru="дай", en="give"), run, defaults={"size": 2})
"""


def write_bot(folder: Path, more: str, **modes: str) -> Catalog:
    place = folder / "own"
    (place / "modes").mkdir(parents=True)
    (place / "bot.yaml").write_text(BOT + more, "utf-8")
    (place / "persona_prompt.md").write_text("You are a bot.", "utf-8")
    for name, text in modes.items():
        (place / "modes" / f"{name}.py").write_text(text, "utf-8")
    return Catalog([folder])


def refusal(catalog: Catalog) -> str:
    with pytest.raises(SettingsError) as caught:
        catalog.load("own")
    return caught.value.detail


@pytest.mark.parametrize("name", list_modes())
def test_bundled_mode_is_whole(name: str, tmp_path: Path) -> None:
    mode = find_mode(name, tmp_path)
    texts = [mode.button, mode.about, mode.invitation, *(action.label for action in mode.actions)]
    assert all(text.say("ru") and text.say("en") for text in texts)
    assert mode.takes or mode.documents
    assert all(kind.count(".") == 1 for kind in mode.jobs)


def test_own_mode_and_its_settings_are_taken(tmp_path: Path) -> None:
    catalog = write_bot(tmp_path, "modes: [audio, size: {size: 3}]\nmenu: [audio, size]\n", size=OWN)
    assert catalog.load("own").modes == {"audio": {}, "size": {"size": 3}}
    assert list(catalog.router("own").modes) == ["audio", "size"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("modes: [nothing]", "there is no mode 'nothing': there are audio, photo, transcript"),
        ("modes: [audio: {colour: red}]", "modes: audio: there is no setting 'colour': there are language"),
        ("modes: [audio: {language: 5}]", "modes: audio: language must be a str, like ''"),
        ("modes: [audio]\nmenu: [photo]", "menu: 'photo' is none of the modes named above it"),
        ("modes: [audio]\nmenu: [{label: {ru: a, en: b}}]", "a button has either items or a command"),
        ("modes: [audio]\nmenu: [{label: {ru: a, en: b}, command: dance}]", "nobody handles /dance"),
        ("modes: [broken]", "must define `mode = Mode(...)`"),
        ("modes: [torn]", "cannot be imported"),
    ],
)
def test_mistake_is_reported_with_its_place(tmp_path: Path, more: str, reason: str) -> None:
    assert reason in refusal(write_bot(tmp_path, more, broken="x = 1", torn="import nowhere"))
