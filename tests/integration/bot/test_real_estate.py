"""A person asks for a flat: styles, the switch to the expert, homes of the catalogue and none that are made up."""

from pathlib import Path

import pytest

from beseda.core.errors import SettingsError, UnavailableError
from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import SandboxUser
from tests.parts.living_bot import ANNA, CHRIS, living_bot
from tests.parts.model_events import said_in, told_in

CATALOGUE = """id;район;комнат;площадь;цена
К-1;Северный;2;50;10000000
К-2;Северный;2;60;12600000
К-3;Северный;2;55;11000000
К-4;Заречный;1;35;5000000
"""
NOTICE = "отвечаю как эксперт"


def _supply(folder: Path, text: str = CATALOGUE) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "real_estate.csv").write_text(text, encoding="utf-8")


async def _ask(user: SandboxUser, text: str) -> str:
    await user.say(text)
    return str((await user.wait_reply())["text"])


@pytest.mark.parametrize(
    ("person", "labels"),
    [
        (ANNA, ["🏗 Эксперт", "🤝 Друг", "🧭 Критик", "⚖️ По умолчанию"]),
        (CHRIS, ["🏗 Expert", "🤝 Friend", "🧭 Critic", "⚖️ Default"]),
    ],
)
async def test_start_offers_the_four_styles(tmp_path: Path, person: int, labels: list[str]) -> None:
    _supply(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(), "real_estate") as living:
        user = await living.user(person)
        await user.say("/start")
        rows = (await user.wait_reply())["reply_markup"]["inline_keyboard"]
    assert [button["text"] for row in rows[-2:] for button in row] == labels


@pytest.mark.parametrize("how", ["command", "button"])
async def test_style_is_chosen_by_command_and_by_button(tmp_path: Path, how: str) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        await anna.say("/start" if how == "button" else "/mode_critic")
        await anna.wait_reply()
        if how == "button":
            await anna.press("🧭 Критик")
            rows = (await anna.wait_text("как критик"))["reply_markup"]["inline_keyboard"]
            assert "✅ 🧭 Критик" in [button["text"] for row in rows for button in row]
        await _ask(anna, "Привет")
    assert "Style: critic" in told_in(model.requests[0])


async def test_default_turns_expert_with_a_notice_and_once(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        assert NOTICE not in await _ask(anna, "Привет! Как дела?")
        assert NOTICE in await _ask(anna, "Хочу купить квартиру")
        assert NOTICE not in await _ask(anna, "А в ипотеку?")
        await _ask(anna, "/mode_default")
        assert NOTICE not in await _ask(anna, "She flatters me")
    styles = [told_in(request) for request in model.requests]
    assert ["Style: expert" in style for style in styles] == [False, True, True, False]
    assert "Missing criteria: budget, number of rooms, district" in styles[1]


async def test_notice_comes_again_when_the_first_try_failed(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel([UnavailableError("down"), "ok"]), "real_estate") as living:
        anna = await living.user()
        assert NOTICE not in await _ask(anna, "Хочу купить квартиру")
        await anna.press("🔄 Ещё раз")
        assert NOTICE in (await anna.wait_text("ok"))["text"]


async def test_reset_forgets_style_and_talk(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="ok")
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        await _ask(anna, "/mode_friend")
        await _ask(anna, "Хочу двушку")
        await _ask(anna, "/reset")
        await _ask(anna, "Привет")
    assert "Style: neutral" in told_in(model.requests[1])
    assert len(said_in(model.requests[1])) == 1


async def test_homes_come_from_the_catalogue_with_a_computed_price(tmp_path: Path) -> None:
    _supply(tmp_path)
    model = ScriptedModel(["Посмотрите эти варианты.", "Лучше [К-2]."])
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        first = await _ask(anna, "Двушка до 11,5 млн")
        second = await _ask(anna, "В Северном, около 60 м², до 13 млн")
    assert "К-1 2-комн., 50 м², Северный, 10 млн ₽" in first
    assert "К-3" in first
    assert "К-2" not in first
    assert "(тот же район и число комнат, квартир: 3): медиана 200\u00a0000 ₽/м²" in second
    assert "За 60 м² это около 12 млн ₽" in second
    assert "📋" not in second
    system = told_in(model.requests[1])
    assert "[К-2] 2 rooms, 60 m², 12,600,000 roubles" in system
    assert "[К-1]" not in system
    assert "median 200,000 roubles per m²" in system


async def test_made_up_home_is_warned_of(tmp_path: Path) -> None:
    _supply(tmp_path)
    model = ScriptedModel(
        ["Берите [К-77] или К-78, а [К-1] хуже. См. [сайт](https://example.org) и [1].", "Есть [К-2]."]
    )
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        assert "⚠️ Таких номеров в каталоге нет: К-77, К-78." in await _ask(anna, "Ищу двушку")
        assert "⚠️" not in await _ask(anna, "Ещё варианты квартир?")


async def test_without_a_catalogue_the_model_is_instructed_to_name_no_home(tmp_path: Path) -> None:
    model = ScriptedModel(["Вот: [К-1], 10 млн."])
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        reply = await _ask(anna, "Двушка до 12 млн")
    assert "Catalogue: none" in told_in(model.requests[0])
    assert "в каталоге нет: К-1" in reply
    assert "📋" not in reply
    assert "📊" not in reply


async def test_sample_catalogue_is_used_when_asked_for_and_is_labelled(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="Сейчас.")
    async with living_bot(tmp_path, model, "real_estate") as living:
        anna = await living.user()
        await _ask(anna, "/start")
        await anna.press("📚 Показать на учебном каталоге")
        await anna.wait_text("квартир в нём: 44, и все выдуманы")
        reply = await _ask(anna, "Двушка до 12 млн в Парковом")
        await _ask(anna, "/reset")
        assert "📋" not in await _ask(anna, "Двушка до 12 млн в Парковом")
    assert "S-" in reply
    assert "м. " in reply, "the cards name the metro"
    assert "Каталог учебный" in reply
    assert "sample with made-up homes" in told_in(model.requests[0])


async def test_wrong_catalogue_ends_the_start_with_its_line(tmp_path: Path) -> None:
    _supply(tmp_path, CATALOGUE + "К-5;Юг;два;50;1\n")
    with pytest.raises(SettingsError, match=r"real_estate\.csv: line 6, column 'rooms': 'два' is not a number"):
        async with living_bot(tmp_path, ScriptedModel(), "real_estate"):
            pass


async def test_catalogue_that_breaks_while_the_bot_runs_changes_nothing(tmp_path: Path) -> None:
    _supply(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(fallback="ok"), "real_estate") as living:
        anna = await living.user()
        _supply(tmp_path, "nonsense")
        assert "К-1" in await _ask(anna, "Двушка до 11,5 млн")


async def test_style_survives_a_restart(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(), "real_estate") as living:
        await _ask(await living.user(), "/mode_friend")
        await living.settle()
    model = ScriptedModel(["ok"])
    async with living_bot(tmp_path, model, "real_estate") as living:
        await _ask(await living.user(), "Привет")
    assert "Style: friend" in told_in(model.requests[0])


async def test_homes_are_not_shown_again_under_thanks(tmp_path: Path) -> None:
    _supply(tmp_path)
    async with living_bot(tmp_path, ScriptedModel(fallback="Пожалуйста!"), "real_estate") as living:
        anna = await living.user()
        assert "К-1" in await _ask(anna, "Ищу квартиру: двушку в Северном до 13 млн")
        assert await _ask(anna, "Спасибо") == "Пожалуйста!"
