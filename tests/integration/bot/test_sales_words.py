"""What people say to a sales bot beside the point: a yes to no question, a no, nonsense, buttons of their own make."""

import shutil
from pathlib import Path

import pytest

from beseda.bots.catalog import BUNDLED
from beseda.core.errors import UnavailableError
from beseda.llm.demo import DemoModel
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxUser
from tests.parts.living_bot import ANNA, CHRIS, LivingBot, living_bot
from tests.parts.sales import find, form, instructions, lead_of, selling_model

PHONE = "+7 912 345-67-89"


def demo() -> DemoModel:
    return DemoModel(ManualClock(instant=True))


def pages(model: ScriptedModel) -> list[str]:
    """Return what was laid before the model each time it was to read."""
    return [request.messages[-1].content for request in model.requests if request.schema is not None]


async def ask(user: SandboxUser, text: str) -> str:
    await user.say(text)
    return str((await user.wait_reply())["text"])


async def holds(living: LivingBot, user_id: int = ANNA) -> bool:
    lead = await lead_of(living, user_id)
    return any(one.holds for one in await living.app.features.leads.consents(lead.id))


@pytest.mark.parametrize(
    ("person", "said", "word", "outcome"),
    [
        (ANNA, f"Мой номер {PHONE}", "да", ("Спасибо, сохранил", "+79123456789")),
        (ANNA, f"Мой номер {PHONE}", "нет, не надо", ("контакт не сохраняю", "")),
        (ANNA, f"Мой номер {PHONE}", "нетривиально всё", ("", "")),
        (CHRIS, f"My number is {PHONE}", "yes please", ("I have kept it", "+79123456789")),
        (CHRIS, f"My number is {PHONE}", "no, don't", ("I keep no contact", "")),
    ],
)
async def test_demo_understands_a_word_of_consent(
    tmp_path: Path, person: int, said: str, word: str, outcome: tuple[str, str]
) -> None:
    told, phone = outcome
    async with living_bot(tmp_path, demo(), "sales") as living:
        user = await living.user(person)
        assert "/consent" in await ask(user, said)
        await living.settle()
        assert told in await ask(user, word)
        assert (await lead_of(living, person)).phone == phone
        assert await holds(living, person) is bool(phone)


async def test_consent_is_taken_back_in_words(tmp_path: Path) -> None:
    async with living_bot(tmp_path, demo(), "sales") as living:
        anna = await living.user()
        for words in (f"Мой номер {PHONE}", "да"):
            await ask(anna, words)
            await living.settle()
        assert "контакт не сохраняю" in await ask(anna, "Нет, лучше не храните мой номер")
        lead = await lead_of(living)
        assert (lead.phone, lead.contact, dict(lead.slots)) == ("", "", {})
        assert not await holds(living)
        assert "контакт" not in await ask(anna, "Нет")


async def test_yes_to_another_question_is_no_consent(tmp_path: Path) -> None:
    async with living_bot(tmp_path, demo(), "sales") as living:
        anna = await living.user()
        for words in (f"Мой номер {PHONE}", "Заявки разбираем вручную", "Да"):
            await ask(anna, words)
            await living.settle()
        assert not await holds(living)


async def test_yes_to_the_question_of_the_command_is_a_consent(tmp_path: Path) -> None:
    async with living_bot(tmp_path, demo(), "sales") as living:
        anna = await living.user()
        assert "Разрешить хранить" in await ask(anna, "/consent")
        assert "согласие записал" in await ask(anna, "да")
        assert await holds(living)
        await ask(anna, f"Звоните: {PHONE}")
        assert (await lead_of(living)).phone == "+79123456789"


async def test_model_sees_the_question_for_consent_in_its_place(tmp_path: Path) -> None:
    model = selling_model([form(find("phone", PHONE))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        for words in (f"Мой номер {PHONE}", "Да", "И ещё"):
            await ask(anna, words)
            await living.settle()
    assert "Можно я сохраню" not in pages(model)[0]
    for page in pages(model)[1:]:
        lines = page.splitlines()
        assert lines[1] == "assistant: ok"
        assert lines[2].startswith("assistant: 📇 Вы назвали свой контакт.")
        assert lines[3].endswith("person: Да")


async def test_invented_phone_brings_no_question(tmp_path: Path) -> None:
    invented = find("phone", "+79998887766", quote="позвоните мне")
    async with living_bot(tmp_path, selling_model([form(invented)]), "sales") as living:
        assert await ask(await living.user(), "Просто позвоните мне") == "ok"


async def test_pressing_yes_without_a_contact_does_not_claim_one(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        await ask(anna, "/consent")
        await anna.press("✅ Да, сохраните")
        assert "согласие записал" in (await anna.wait_reply())["text"]


async def test_wrong_number_in_a_contact_consents_to_nothing(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        await anna.share_contact("+000123")
        assert "не номер телефона" in (await anna.wait_reply())["text"]
        assert not await holds(living)


async def test_shared_contact_lets_the_held_one_be_kept_too(tmp_path: Path) -> None:
    model = selling_model([form(find("email", "anna@example.org"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "Почта anna@example.org")
        await living.settle()
        await anna.share_contact("+79123456789")
        await anna.wait_text("номер записан")
        lead = await lead_of(living)
    assert (lead.phone, lead.email) == ("+79123456789", "anna@example.org")


async def test_denied_value_is_not_read_into_the_lead_again(tmp_path: Path) -> None:
    doubtful = find("budget", "500 тысяч", 0.7)
    model = selling_model([form(doubtful), form(doubtful, denied=["budget"]), form(doubtful)])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        for words in ("500 тысяч, кажется", "Нет", "Ещё вопрос"):
            await ask(anna, words)
            await living.settle()
        assert "budget" not in (await lead_of(living)).slots


async def test_denied_value_is_corrected_in_one_breath(tmp_path: Path) -> None:
    forms = [form(find("budget", "500 тысяч", 0.7)), form(find("budget", "300 тысяч"), denied=["budget"])]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        await ask(anna, "500 тысяч, кажется")
        await living.settle()
        await ask(anna, "Нет, 300 тысяч")
        assert (await lead_of(living)).slots["budget"].value == "300 тысяч"


async def test_message_after_clear_is_read(tmp_path: Path) -> None:
    async with living_bot(tmp_path, demo(), "sales") as living:
        anna = await living.user()
        for words in ("Привет", "Как дела?", "Хорошо"):
            await ask(anna, words)
        await ask(anna, "/clear")
        await anna.press("🗑 Стереть")
        await living.settle()
        await ask(anna, "Меня зовут Анна Петрова")
        assert (await lead_of(living)).name == "Анна Петрова"


async def test_person_who_joins_a_lead_does_not_lower_its_score(tmp_path: Path) -> None:
    model = selling_model([form(find("problems", "заявки руками"), find("volume", "400 в день"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        await ask(anna, "Разбираем заявки руками, 400 в день")
        for user in (anna, chris):
            await user.share_contact("+79123456789")
            await user.wait_text("+79123456789")
        await ask(chris, "And now?")
        assert (await lead_of(living)).fit_score == 40


def copy_shop(folder: Path) -> Path:
    """Return the folder of a bot `shop` that is as the bundled one, to be changed."""
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    return Path(shutil.copytree(BUNDLED / "sales", folder / "bots" / "shop", ignore=ignored))


async def test_thresholds_of_the_file_hold_for_the_lead(tmp_path: Path) -> None:
    file = copy_shop(tmp_path) / "funnel.yaml"
    file.write_text(file.read_text("utf-8").replace("accept_from: 0.8", "accept_from: 0.9"), "utf-8")
    model = selling_model([form(find("name", "Пётр", 0.85)), form(confirmed=["name"]), form()])
    async with living_bot(tmp_path, model, "shop") as living:
        anna = await living.user()
        await ask(anna, "Я, может, Пётр")
        assert (await lead_of(living)).slots["name"].state == "to_confirm"
        for words in ("Да", "И ещё"):
            await ask(anna, words)
            await living.settle()
        lead = await lead_of(living)
        assert (lead.name, lead.slots["name"].state) == ("Пётр", "accepted")
    confirmations = ["имя — Пётр?" in told for told in instructions(model)]
    assert confirmations == [True, False, False]


async def test_phone_is_read_by_the_owners_country(tmp_path: Path) -> None:
    model = selling_model([form(find("phone", "(212) 736-5000"))])
    async with living_bot(tmp_path, model, "sales", BESEDA_PHONE_REGION="US") as living:
        chris = await living.user(CHRIS)
        assert "May I keep it" in await ask(chris, "Call (212) 736-5000")
        await living.settle()
        await chris.press("✅ Yes, keep it")
        await chris.wait_text("I have kept it")
        assert (await lead_of(living, CHRIS)).phone == "+12127365000"


async def test_without_a_calendar_no_appointment_is_promised(tmp_path: Path) -> None:
    file = copy_shop(tmp_path) / "bot.yaml"
    file.write_text(file.read_text("utf-8").partition("calendar:\n")[0], "utf-8")
    model = selling_model([form(signals=["wants_consultation"])])
    async with living_bot(tmp_path, model, "shop") as living:
        await ask(await living.user(), "Хочу консультацию")
        await living.settle()
    assert "No appointment can be made in this chat" in instructions(model)[0]


async def test_wish_that_was_read_too_late_is_met_by_the_next_answer(tmp_path: Path) -> None:
    late = ScriptedAnswer(pieces=(form(signals=["wants_consultation"]),), delay=3.0)
    async with living_bot(tmp_path, selling_model([late]), "sales") as living:
        anna = await living.user()
        shown = []
        for words in ("Хочу консультацию", "Ау", "И ещё"):
            await anna.say(words)
            shown.append("reply_markup" in await anna.wait_reply())
            await living.settle()
    assert shown == [False, True, False]


async def test_wish_outlives_an_answer_that_failed(tmp_path: Path) -> None:
    model = selling_model([form(signals=["wants_consultation"])], [UnavailableError("down"), "here I am"])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say("Хочу консультацию")
        await anna.wait_text("сохранено")
        await living.settle()
        await anna.press("🔄 Ещё раз")
        assert "meet:pick" in str(await anna.wait_text("here I am"))


@pytest.mark.parametrize(
    "data",
    [
        "meet",
        "meet:day:²:0",
        f"meet:at:{'9' * 40}:0",
        "meet:at:253402300799:0",
        f"meet:cancel:{'9' * 30}",
        "meet:confirm:-1",
        "consent",
        "consent:maybe",
    ],
)
async def test_button_of_somebodys_own_make_does_nothing(
    tmp_path: Path, data: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        person = {"id": ANNA, "is_bot": False, "first_name": "Anna", "language_code": "ru"}
        message = {"message_id": 1, "date": 0, "chat": {"id": ANNA, "type": "private"}}
        press = {"id": "1", "from": person, "chat_instance": "1", "message": message, "data": data}
        await living.inject({"callback_query": press})
        assert await ask(anna, "Ау") == "ok"
        await living.settle()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
