import pytest
from playwright.async_api import Page, expect

from botapi_sandbox import DEFAULT_USERS, SandboxSettings
from tests.acceptance.sandbox_page.scripted_bot import USERNAME, ScriptedBot

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNA, CHRIS = DEFAULT_USERS[0].id, DEFAULT_USERS[1].id


async def test_newcomer_types_immediately_and_is_answered(page: Page, bot: ScriptedBot) -> None:
    assert page.url.endswith(f"#{USERNAME}:{ANNA}")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await expect(page).to_have_title("Страница · Bot API")
    await page.keyboard.type("Привет!\n")
    message = await bot.next_update("message")
    assert (message["text"], message["from"]["id"]) == ("Привет!", ANNA)
    await bot.call("sendChatAction", chat_id=ANNA, action="typing")
    await expect(page.get_by_test_id("typing")).to_contain_text("печатает")
    answer = await bot.say(ANNA, "Здравствуйте")
    shown = page.locator('[data-testid=message][data-out="false"]')
    await expect(shown.get_by_test_id("message-text")).to_have_text("Здравствуйте")
    await expect(page.get_by_test_id("typing")).to_be_hidden()
    await bot.call("editMessageText", chat_id=ANNA, message_id=answer["message_id"], text="Добрый день")
    await expect(shown).to_contain_text("изменено")
    await expect(shown.get_by_test_id("message-text")).to_have_text("Добрый день")


async def test_entities_are_shown_and_markup_in_text_stays_text(page: Page, bot: ScriptedBot) -> None:
    html = (
        "👩‍🚀<b>жирный <i>курсив</i></b> <tg-spoiler>тайна</tg-spoiler> /help &lt;img src=x onerror=alert(1)&gt;"
        '<pre><code class="language-python">print(1)</code></pre>'
    )
    await bot.say(ANNA, html, parse_mode="HTML")
    text = page.get_by_test_id("message-text")
    # Telegram cuts bold text at the border of what it found in a text (TDLib's resplit_entities).
    await expect(text.locator("strong")).to_have_text(["жирный ", "курсив"])
    await expect(text.locator("strong em")).to_have_text("курсив")
    await expect(text.locator("pre code")).to_have_text("print(1)")
    await expect(text).to_contain_text("<img src=x onerror=alert(1)>")
    spoiler = text.locator(".spoiler")
    await spoiler.click()
    await expect(spoiler).to_contain_class("revealed")
    await text.get_by_text("/help").click()
    assert (await bot.next_update("message"))["text"] == "/help"


async def test_inline_button_waits_for_the_bot_and_shows_its_answer(page: Page, bot: ScriptedBot) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Тихо", "callback_data": "a"}, {"text": "Громко", "callback_data": "b"}]]}
    await bot.say(ANNA, "Выберите", reply_markup=keyboard)
    button = page.get_by_test_id("inline-button")
    await button.nth(0).click()
    query = await bot.next_update("callback_query")
    await expect(button.nth(0)).to_have_attribute("aria-busy", "true")
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text="Сделано")
    await expect(page.get_by_test_id("toast")).to_have_text("Сделано")
    await expect(button.nth(0)).not_to_have_attribute("aria-busy", "true")
    await button.nth(1).click()
    query = await bot.next_update("callback_query")
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text="Важно", show_alert=True)
    alert = page.get_by_role("dialog").filter(has_text="Важно")
    await expect(alert).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(alert).to_have_count(0)


async def test_draft_grows_and_can_be_stopped(page: Page, bot: ScriptedBot) -> None:
    draft = {"chat_id": ANNA, "draft_id": 7, "can_stop": True}
    await bot.call("sendMessageDraft", **draft, text="Жили")
    await expect(page.get_by_test_id("draft")).to_contain_text("Жили")
    await bot.call("sendMessageDraft", **draft, text="Жили-были", keep_on_stop=True)
    await expect(page.get_by_test_id("draft")).to_contain_text("Жили-были")
    await page.get_by_test_id("stop").click()
    assert (await bot.next_update("stopped_message_generation"))["draft_id"] == "7"
    await bot.say(ANNA, "Жили-были.")
    await expect(page.get_by_test_id("draft")).to_be_hidden()
    await expect(page.get_by_test_id("message-text")).to_have_text("Жили-были.")


async def test_reply_keyboard_quotes_and_commands_answer_the_bot(page: Page, bot: ScriptedBot) -> None:
    keyboard = {"keyboard": [["Да", "Нет"]], "resize_keyboard": True, "one_time_keyboard": True}
    asked = await bot.say(ANNA, "Продолжать?", reply_markup=keyboard)
    await page.get_by_test_id("message").locator(".bubble").click(position={"x": 6, "y": 18})
    await page.get_by_test_id("reply-button").get_by_text("Нет").click()
    message = await bot.next_update("message")
    assert (message["text"], message["reply_to_message"]["message_id"]) == ("Нет", asked["message_id"])
    await expect(page.get_by_test_id("reply-button").first).to_be_hidden()
    mine = page.locator("[data-out=true]")
    await expect(mine.locator(".quote")).to_contain_text("Продолжать?")
    await page.get_by_test_id("composer").press("ArrowUp")
    await expect(page.get_by_test_id("composer")).to_have_value("Нет")
    await page.get_by_test_id("composer").fill("Да")
    await page.get_by_test_id("composer").press("Enter")
    assert (await bot.next_update("edited_message"))["text"] == "Да"
    await expect(mine.get_by_test_id("message-text")).to_have_text("Да")
    await bot.call("setMyCommands", commands=[{"command": "start", "description": "Begin"}])
    russian = [{"command": "start", "description": "Начать"}, {"command": "mode", "description": "Режим"}]
    await bot.call("setMyCommands", commands=russian, language_code="ru")
    await expect(page.get_by_test_id("commands-button")).to_be_visible()
    await page.get_by_test_id("composer").press_sequentially("/m")
    await expect(page.get_by_test_id("commands-menu")).to_have_text("/modeРежим")
    await page.keyboard.press("Enter")
    assert (await bot.next_update("message"))["text"] == "/mode"
    await page.get_by_test_id("user-switch").click()
    await page.locator(f'[data-user-id="{CHRIS}"]').click()
    assert page.url.endswith(f"#{USERNAME}:{CHRIS}")
    await page.get_by_test_id("composer").press_sequentially("/")
    await expect(page.get_by_test_id("commands-menu")).to_have_text("/startBegin")


async def test_narrow_dark_page_goes_from_list_to_chat(page: Page, bot: ScriptedBot, settings: SandboxSettings) -> None:
    await page.set_viewport_size({"width": 360, "height": 700})
    await page.get_by_test_id("back").click()
    await expect(page.get_by_test_id("composer")).to_be_hidden()
    await page.get_by_test_id("theme-toggle").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    forum = settings.groups[1]
    await bot.say(forum.id, "Общее")
    await bot.say(forum.id, "По теме", message_thread_id=forum.topics[0].id)
    item = page.locator(f'[data-dialog="group:{forum.id}"]')
    await expect(item).to_contain_text("По теме")
    await expect(item.locator(".badge")).to_have_text("2")
    await item.click()
    await page.get_by_role("tab", name=forum.topics[0].name).click()
    await expect(page.get_by_test_id("message-text")).to_have_text(["По теме"])
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
