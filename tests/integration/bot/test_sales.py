"""A sale from outside: what is said is read, proven, confirmed, scored; a consultation is booked by buttons."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from beseda.core.errors import NotFoundError, UnavailableError
from beseda.features.sales.model import TO_ASK, TO_CONFIRM
from beseda.features.sales.repository import SalesRepository
from beseda.llm.demo import DemoModel
from beseda.locales.errors import error_text
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer
from botapi_sandbox import SandboxUser
from tests.parts.living_bot import ANNA, BORIS, CHRIS, living_bot
from tests.parts.sales import find, form, instructions, lead_of, selling_model

QUESTION = "Bring this in: "


async def ask(user: SandboxUser, text: str) -> str:
    await user.say(text)
    return str((await user.wait_reply())["text"])


def labels(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


@pytest.mark.parametrize(
    ("person", "words"), [(ANNA, "Я ИИ-ассистент компании, программа"), (CHRIS, "I am the company's AI assistant")]
)
async def test_first_line_introduces_the_bot(tmp_path: Path, person: int, words: str) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        user = await living.user(person)
        assert words in (await ask(user, "/start")).splitlines()[0]


async def test_fact_is_kept_with_its_message_and_asked_no_more(tmp_path: Path) -> None:
    model = selling_model([form(find("problems", "разбираем заявки руками"), find("volume", "400 в день"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "Здравствуйте! Мы разбираем заявки руками, 400 в день")
        lead = await lead_of(living)
        lines = await SalesRepository(living.app.engine.database).lines(await _conversation(living), 5)
    said = next(line for line in lines if "заявки руками" in line.text)
    assert lead.slots["volume"].message_id == said.message_id
    assert lead.slots["problems"].quote == "разбираем заявки руками"
    assert (lead.stage, lead.fit_score) == ("presentation", 40)
    told = instructions(model)[0]
    assert "Stage of the conversation: presentation" in told
    assert "- объём: 400 в день" in told
    assert f"{QUESTION}На какой бюджет вы рассчитываете?" in told
    assert model.requests[-1].temperature == 0.5


async def _conversation(living: Any) -> Any:
    found = await SalesRepository(living.app.engine.database).private_chat("sales", ANNA)
    assert found is not None
    return found[0]


async def test_invented_phone_is_refused(tmp_path: Path) -> None:
    invented = find("phone", "+79998887766", quote="позвоните мне")
    model = selling_model([form(invented, find("name", "Пётр", quote="позвоните мне"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "Просто позвоните мне")
        await living.settle()
        await anna.say("/consent")
        await anna.wait_reply()
        await anna.press("✅ Да, сохраните")
        await anna.wait_text("Спасибо")
        lead = await lead_of(living)
    assert lead.phone == ""
    assert dict(lead.slots) == {}


async def test_doubtful_value_is_confirmed_softly_then_stands(tmp_path: Path) -> None:
    forms = [form(find("budget", "500 тысяч", 0.7)), form(confirmed=["budget"])]
    model = selling_model(forms)
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "Ну, может, тысяч 500, то есть 500 тысяч")
        lead = await lead_of(living)
        assert lead.slots["budget"].state == TO_CONFIRM
        assert lead.fit_score == 10
        await ask(anna, "Да")
        lead = await lead_of(living)
    assert f"{QUESTION}Правильно понимаю: бюджет — 500 тысяч?" in instructions(model)[0]
    assert lead.slots["budget"].state == "accepted"
    assert lead.fit_score == 20


async def test_denied_value_is_dropped_and_asked_again(tmp_path: Path) -> None:
    forms = [form(find("budget", "500 тысяч", 0.7)), form(denied=["budget"])]
    model = selling_model(forms)
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "500 тысяч, кажется")
        await ask(anna, "Нет")
        assert "budget" not in (await lead_of(living)).slots


async def test_guess_is_asked_again(tmp_path: Path) -> None:
    model = selling_model([form(find("problems", "хаос", 0.4))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "У нас просто хаос")
        lead = await lead_of(living)
    assert lead.slots["problems"].state == TO_ASK
    assert f"{QUESTION}Какую задачу" in instructions(model)[0]


@pytest.mark.parametrize(
    "broken", [["это не JSON"] * 2, [UnavailableError("down")], ['{"findings": "x"}'] * 2, [ScriptedAnswer()] * 2]
)
async def test_broken_form_costs_no_answer_and_is_made_up_for(tmp_path: Path, broken: list[Any]) -> None:
    model = selling_model([*broken, form(find("problems", "заявки руками"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        assert await ask(anna, "Разбираем заявки руками") == "ok"
        assert dict((await lead_of(living)).slots) == {}
        assert await ask(anna, "Ау") == "ok"
        assert "problems" in (await lead_of(living)).slots


async def test_slow_form_does_not_hold_the_answer_up(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=(form(find("problems", "заявки руками")),), delay=3.0)
    model = selling_model([slow])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        async with asyncio.timeout(2.7):
            assert await ask(anna, "Разбираем заявки руками") == "ok"
        assert "problems" in (await lead_of(living)).slots
        await ask(anna, "И ещё")
    assert "Stage of the conversation: greeting" in instructions(model)[0]
    assert "- задача: заявки руками" in instructions(model)[1]


async def test_contact_waits_for_a_consent_that_is_asked_once(tmp_path: Path) -> None:
    forms = [form(find("phone", "+7 912 345-67-89")), form(find("email", "anna@example.org"))]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        await anna.say("Мой номер +7 912 345-67-89")
        asked = await anna.wait_reply()
        assert "Можно я сохраню его" in asked["text"]
        assert labels(asked) == ["✅ Да, сохраните", "🚫 Нет, не надо"]
        assert (await lead_of(living)).phone == ""
        assert "Можно" not in await ask(anna, "А почта anna@example.org")
        await anna.press("✅ Да, сохраните")
        await anna.wait_text("Спасибо, сохранил")
        lead = await lead_of(living)
        consents = await living.app.features.leads.consents(lead.id)
    assert (lead.phone, lead.email) == ("+79123456789", "anna@example.org")
    assert consents[0].holds
    assert consents[0].message_id is not None


async def test_no_means_no_contact_and_no_second_question(tmp_path: Path) -> None:
    forms = [form(find("phone", "+7 912 345-67-89")), form(find("phone", "+7 912 345-67-89"))]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        await ask(anna, "Мой номер +7 912 345-67-89")
        await anna.press("🚫 Нет, не надо")
        await anna.wait_text("контакт не сохраняю")
        await living.settle()
        assert await ask(anna, "Но звоните на +7 912 345-67-89") == "ok"
        assert (await lead_of(living)).phone == ""


async def test_words_may_consent_too_and_not_by_a_part_of_a_word(tmp_path: Path) -> None:
    forms = [form(find("phone", "+7 912 345-67-89")), form(consent="none"), form(consent="yes")]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        await ask(anna, "Мой номер +7 912 345-67-89")
        await ask(anna, "Недавно переехали")
        assert (await lead_of(living)).phone == ""
        await ask(anna, "Да, конечно")
        assert (await lead_of(living)).phone == "+79123456789"


async def test_consent_is_taken_back(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        await anna.share_contact("79123456789")
        assert "номер записан: +79123456789" in (await anna.wait_reply())["text"]
        assert (await lead_of(living)).phone == "+79123456789"
        await anna.say("/consent")
        assert "Вы разрешили хранить" in (await anna.wait_reply())["text"]
        await anna.press("🚫 Отозвать согласие")
        await anna.wait_text("Согласие отозвано")
        lead = await lead_of(living)
        assert (lead.phone, lead.contact) == ("", "")
        assert "phone" not in lead.slots
        assert not any(one.holds for one in await living.app.features.leads.consents(lead.id))


async def test_contact_is_shared_by_telegrams_own_button(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        chris = await living.user(CHRIS)
        await ask(chris, "/contact")
        assert (await chris.get_dialog())["reply_keyboard"]["keyboard"][0][0]["request_contact"]
        await chris.press("📱 Send my number")
        await chris.wait_text("I have your number")
        lead = await lead_of(living, CHRIS)
        assert lead.phone.startswith("+7900")
        assert lead.slots["phone"].message_id is not None
        assert (await chris.get_dialog())["reply_keyboard"] is None


@pytest.mark.parametrize("owner", [BORIS, 0])
async def test_contact_of_another_person_is_not_kept(tmp_path: Path, owner: int) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        await anna.share_contact("+79123456789", contact_user_id=owner)
        assert "чужой контакт" in (await anna.wait_reply())["text"]
        assert (await lead_of(living)).phone == ""


async def test_sale_goes_from_greeting_to_a_meeting(tmp_path: Path) -> None:
    forms = [
        form(signals=[]),
        form(find("problems", "заявки руками"), find("volume", "400 в день")),
        form(find("budget", "500 тысяч"), find("name", "Анна"), find("company", "Ромашка")),
    ]
    model = selling_model(forms)
    async with living_bot(tmp_path, model, "sales", ADMIN_IDS=str(BORIS)) as living:
        anna, boris = await living.user(), await living.user(BORIS)
        await ask(boris, "/start")
        await ask(anna, "/start")
        await ask(anna, "Привет!")
        assert (await lead_of(living)).stage == "greeting"
        await ask(anna, "Разбираем заявки руками, 400 в день")
        await anna.say("Я Анна, компания Ромашка, бюджет 500 тысяч")
        offered = await anna.wait_reply()
        assert labels(offered) == ["📅 Выбрать время консультации"]
        assert "бесплатную консультацию" in instructions(model)[-1]
        lead = await lead_of(living)
        assert (lead.stage, lead.fit_score) == ("consultation", 75)
        news = await boris.wait_text("Пора звать на консультацию")
        assert "75 из 100" in news["text"]
        await _book(anna)
        assert (await lead_of(living)).stage == "scheduling"
        await anna.press("✅ Подтвердить")
        await anna.wait_text("Спасибо, записал")
        later = [one for one in await anna.history() if one["message_id"] > offered["message_id"]]
        assert not [one for one in later if "meet:" in str(one.get("reply_markup")) or "день" in one.get("text", "")]
        card = await anna.wait_for(lambda event: "document" in event.get("message", {}))
        assert card["message"]["document"]["file_name"].endswith(".ics")
        await boris.wait_text("Новая встреча")
        lead = await lead_of(living)
        assert lead.stage == "summary"
        given = [one.kind for one in await living.app.features.leads.consents(lead.id) if one.holds]
        assert given == ["calendar_invite"]
        assert "- " not in await ask(anna, "Спасибо!")
        await anna.say("/start")
        await anna.wait_text("ИИ-ассистент")
        assert (await lead_of(living)).fit_score == 75


async def _book(user: SandboxUser) -> None:
    """Choose the first day and the first time."""
    await user.press("meet:pick")
    days = await user.wait_text("На какой день")
    await user.press(labels(days)[1])
    await user.press(labels(await user.wait_text("во сколько"))[-1])
    await user.press(labels(await user.wait_text("На какой день"))[0])
    times = await user.wait_text("во сколько")
    assert times["message_id"] == days["message_id"], "days and times change in one message"
    await user.press(labels(times)[0])
    held = await user.wait_text("держу это время")
    assert held["message_id"] == days["message_id"], "the time is held in the same message"


async def test_meeting_is_moved_and_cancelled_by_its_own_person_alone(tmp_path: Path) -> None:
    model = selling_model([form(signals=["wants_consultation"])] * 2)
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "Хочу консультацию")
        await _book(anna)
        await anna.press("🔁 Другое время")
        await anna.press(labels(await anna.wait_text("На какой день"))[1])
        await anna.press(labels(await anna.wait_text("во сколько"))[0])
        await anna.wait_text("держу это время")
        meetings = await living.app.features.meetings.for_person("sales", ANNA)
        assert len(meetings) == 1
        boris = await living.user(BORIS)
        await boris.call("POST", "/updates", json=_press(living.username, BORIS, f"meet:cancel:{meetings[0].id}"))
        assert (await boris.wait_reply())["text"] == error_text(NotFoundError).say("ru")
        await anna.say("/meetings")
        assert "ждёт подтверждения" in (await anna.wait_reply())["text"]
        await anna.press("✖️ Отменить")
        await anna.wait_text("Встреча отменена")
        await anna.say("/meetings")
        assert "Встреч пока нет" in (await anna.wait_reply())["text"]


def _press(bot: str, user_id: int, data: str) -> dict[str, Any]:
    """Return a press of a button that was never shown to this person."""
    user = {"id": user_id, "is_bot": False, "first_name": "Boris", "language_code": "ru"}
    message = {"message_id": 1, "date": 0, "chat": {"id": user_id, "type": "private"}}
    query = {"id": "1", "from": user, "chat_instance": "1", "message": message, "data": data}
    return {"bot": bot, "update": {"callback_query": query}}


async def test_consultation_is_offered_on_request_and_not_after_a_refusal(tmp_path: Path) -> None:
    model = selling_model([form(signals=["wants_consultation"]), form(signals=["declines"]), form()])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say("Хочу поговорить с человеком")
        assert labels(await anna.wait_reply()) == ["📅 Выбрать время консультации"]
        for words in ("Нет, передумала", "Расскажите ещё"):
            await anna.say(words)
            assert labels(await anna.wait_reply()) == []


async def test_group_gets_an_assistant_and_nothing_is_kept(tmp_path: Path) -> None:
    from tests.parts.living_bot import GROUP  # noqa: PLC0415

    model = selling_model()
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user(dialog=f"group:{GROUP}")
        await anna.say(f"@{living.username} мой номер +7 912 345-67-89")
        assert (await anna.wait_reply())["text"] == "ok"
        await living.settle()
    assert all(request.schema is None for request in model.requests)


@pytest.mark.parametrize(
    ("person", "talk", "found"),
    [
        (
            ANNA,
            ["Привет", "Заявки разбираем вручную", "Меня зовут Анна", "Компания Ромашка", "400 заявок в день"],
            {
                "problems": "Заявки разбираем вручную",
                "name": "Анна",
                "company": "Ромашка",
                "volume": "400 заявок в день",
            },
        ),
        (
            CHRIS,
            ["Hello", "We sort requests by hand", "My name is Chris", "I work at Acme", "about $5,000"],
            {"problems": "We sort requests by hand", "name": "Chris", "company": "Acme", "budget": "about $5,000"},
        ),
    ],
)
async def test_demo_sells_without_any_model(
    tmp_path: Path, person: int, talk: list[str], found: dict[str, str]
) -> None:
    async with living_bot(tmp_path, DemoModel(ManualClock(instant=True)), "sales") as living:
        user = await living.user(person)
        for words in talk:
            await ask(user, words)
        lead = await lead_of(living, person)
    assert {name: slot.value for name, slot in lead.slots.items()} == found


async def test_two_accounts_of_one_verified_phone_become_one_lead_and_both_go_on(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        for user in (anna, chris):
            await user.share_contact("+79123456789")
            await user.wait_text("+79123456789")
        assert (await lead_of(living)).id == (await lead_of(living, CHRIS)).id
        assert [await ask(user, "И дальше?") for user in (anna, chris)] == ["ok", "ok"]


@pytest.mark.parametrize("stranger_first", [False, True])
async def test_stranger_with_a_known_phone_sees_moves_and_empties_nothing(
    tmp_path: Path, *, stranger_first: bool
) -> None:
    phone = "+79123456789"
    model = selling_model([form(find("phone", phone))])
    async with living_bot(tmp_path, model, "sales") as living:
        leads, meetings = living.app.features.leads, living.app.features.meetings
        victim, stranger = await living.user(), await living.user(BORIS)
        if stranger_first:
            await _name_a_phone(stranger, phone)
        await victim.share_contact(phone)
        await victim.wait_text(phone)
        await ask(victim, "/meetings")
        await _book(victim)
        if not stranger_first:
            await _name_a_phone(stranger, phone)
        own, other = await lead_of(living), await lead_of(living, BORIS)
        assert (own.id != other.id, own.merged_into, other.merged_into) == (True, None, None)
        assert (own.phone, other.phone) == (phone, phone)
        [found] = await leads.duplicates(own.id)
        assert found.lead_id == other.id
        slots = await meetings.free_slots("sales", None, 14, "ru")
        booked = await meetings.book(own.id, slots[0].starts_at)
        assert booked.guest.user_id == ANNA
        await stranger.say("/meetings")
        await stranger.wait_text("Встреч пока нет")
        for step in ("confirm", "cancel", "pick"):
            press = _press(living.username, BORIS, f"meet:{step}:{booked.id}")
            await stranger.call("POST", "/updates", json=press)
            await living.settle()
        assert (await meetings.find(booked.id)).state == "tentative"
        await stranger.say("/consent")
        await stranger.wait_text("Вы разрешили хранить")
        await stranger.press("🚫 Отозвать согласие")
        await stranger.wait_text("Согласие отозвано")
        assert (await lead_of(living, BORIS)).phone == ""
        kept = await lead_of(living)
        assert (kept.phone, kept.contact) == (phone, own.contact)
        assert any(one.holds and one.user_id == ANNA for one in await leads.consents(kept.id))
        await victim.say("/consent")
        await victim.wait_text("Вы разрешили хранить")


async def _name_a_phone(user: SandboxUser, phone: str) -> None:
    """Ask for the question of consent, agree, and name a phone in a message."""
    await ask(user, "/consent")
    await user.press("✅ Да, сохраните")
    await user.wait_text("согласие записал")
    await ask(user, f"Мой номер {phone}")


async def test_operator_may_answer_instead_and_the_messages_are_read_afterwards(tmp_path: Path) -> None:
    model = selling_model([form(find("problems", "заявки руками"))])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await ask(anna, "/start")
        talk = await _conversation(living)
        await living.app.features.takeovers.take(talk.id, "olga")
        await anna.say("Разбираем заявки руками")
        await living.settle()
        assert model.requests == []
        await living.app.features.takeovers.give_back(talk.id)
        await ask(anna, "Ау")
        assert (await lead_of(living)).slots["problems"].quote == "заявки руками"


async def test_link_by_which_a_person_came_is_the_source_of_their_lead(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        assert "ИИ-ассистент" in await ask(anna, "/start spring-sale_26")
        assert (await lead_of(living)).source == "spring-sale_26"
        await ask(anna, "/start another")
        assert (await lead_of(living)).source == "spring-sale_26"


async def test_link_is_kept_for_a_person_known_before(tmp_path: Path) -> None:
    async with living_bot(tmp_path, selling_model(), "sales") as living:
        anna = await living.user()
        await ask(anna, "Здравствуйте!")
        assert (await lead_of(living)).source == "telegram"
        await ask(anna, "/start ad7")
        assert (await lead_of(living)).source == "ad7"


@pytest.mark.parametrize(
    ("words", "is_offered"),
    [("Хочу консультацию", True), ("Давайте созвонимся", True), ("Не хочу консультацию, спасибо", False)],
)
async def test_plain_request_is_offered_times_if_the_model_fills_in_no_form(
    tmp_path: Path, words: str, is_offered: bool
) -> None:
    model = selling_model(["no form"] * 6, ["Расскажите о задаче."])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say(words)
        reply = await anna.wait_text("Расскажите о задаче.")
        await living.settle()
    assert ("📅 Выбрать время консультации" in str(reply.get("reply_markup"))) is is_offered


@pytest.mark.parametrize("command", ["/start", "/help"])
async def test_words_behind_a_command_are_answered(tmp_path: Path, command: str) -> None:
    model = selling_model(answers=["Договоримся."])
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        await anna.say(f"{command} сколько стоит ваш бот?")
        await anna.wait_text("Договоримся.")  # behind the greeting
        assert (await lead_of(living)).source == "telegram"
