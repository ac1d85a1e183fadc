"""Messages that a person edits after a lead was read from them, and phones that are no numbers."""

from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, living_bot
from tests.parts.sales import find, form, lead_of, selling_model
from tests.parts.waiting import eventually


async def test_field_is_read_again_from_the_edited_words(tmp_path: Path) -> None:
    forms = [form(find("name", "Борис", message=1)), form(find("name", "Анна", message=1))]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        said = await anna.say("Меня зовут Борис")
        await anna.wait_reply()
        assert (await lead_of(living)).slots["name"].value == "Борис"
        await anna.edit(said["message_id"], "Меня зовут Анна")

        async def is_read_again() -> bool:
            slot = (await lead_of(living)).slots.get("name")
            return slot is not None and (slot.value, slot.quote) == ("Анна", "Анна")

        await eventually(is_read_again)


async def test_field_without_its_words_after_an_edit_is_emptied(tmp_path: Path) -> None:
    forms = [form(find("name", "Борис", message=1)), form(), form()]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        said = await anna.say("Меня зовут Борис")
        await anna.wait_reply()
        await anna.say("Что у вас есть?")
        await anna.wait_reply()
        assert "name" in (await lead_of(living)).slots
        await anna.edit(said["message_id"], "Здравствуйте")  # an earlier message: it is not answered again

        async def is_emptied() -> bool:
            return "name" not in (await lead_of(living)).slots

        await eventually(is_emptied)
        assert len([message for message in await anna.history() if message["from"]["is_bot"]]) == 2


async def test_phone_that_an_edit_took_away_is_kept_by_no_later_consent(tmp_path: Path) -> None:
    forms = [form(find("phone", "+7 912 345-67-89", message=1)), form(), form(consent="yes")]
    model = selling_model(forms)
    async with living_bot(tmp_path, model, "sales") as living:
        anna = await living.user()
        said = await anna.say("Мой номер +7 912 345-67-89")
        assert "/consent" in (await anna.wait_reply())["text"]
        await living.settle()
        await anna.edit(said["message_id"], "Звонить не нужно")  # the last message: it is answered again
        await eventually(lambda: _are_read(model, 2))
        await living.settle()
        await anna.say("да")
        await anna.wait_reply()
        assert await _are_read(model, 3)
        assert (await lead_of(living)).phone == ""


async def _are_read(model: ScriptedModel, count: int) -> bool:
    return sum(request.schema is not None for request in model.requests) == count


@pytest.mark.parametrize("phone", ["+7 912 345-67", "8 (495) 12-34", "+999 123 456 789"])
async def test_phone_that_is_no_number_is_asked_for_again(phone: str, tmp_path: Path) -> None:
    forms = [form(find("phone", phone, message=1)), form(find("phone", "+7 912 345-67-89", message=2))]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user(ANNA)
        await anna.say(f"Мой номер {phone}")
        asked = await anna.wait_reply()
        assert f"В номере {phone} что-то не сходится" in asked["text"]
        await living.settle()
        await anna.say("Мой номер +7 912 345-67-89")
        again = (await anna.wait_reply())["text"]
    assert "не сходится" not in again
    assert "/consent" in again


async def test_phone_that_the_model_made_up_is_not_asked_for(tmp_path: Path) -> None:
    forms = [form(find("phone", "+7 912 345-67", message=1, quote="Привет"))]
    async with living_bot(tmp_path, selling_model(forms), "sales") as living:
        anna = await living.user()
        await anna.say("Привет")
        assert "не сходится" not in (await anna.wait_reply())["text"]
