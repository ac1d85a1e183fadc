"""The page for everyone: the newest message in sight, the keyboard alone, small windows, the page's language, axe."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from botapi_sandbox import DEFAULT_USERS, RunningSandbox
from tests.acceptance.sandbox_page.scripted_bot import USERNAME, ScriptedBot
from tests.acceptance.sandbox_page.test_files import PNG
from tests.parts.accessibility import AccessibilityCheck
from tests.parts.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNA, CHRIS = DEFAULT_USERS[0].id, DEFAULT_USERS[1].id
KEYBOARD = {"keyboard": [[{"text": f"{row}{column}"} for column in "ab"] for row in range(5)]}
FROM_END = "(box => box.scrollHeight - box.scrollTop - box.clientHeight)(document.querySelector('.scroller'))"


@pytest_asyncio.fixture(loop_scope="session")
async def english(browser: Browser, server: RunningSandbox) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    page.set_default_timeout(10_000)
    await page.goto(f"{server.base_url}/sandbox")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    yield page
    await context.close()


async def test_newest_message_stays_in_sight_above_a_keyboard(page: Page, bot: ScriptedBot) -> None:
    for number in range(30):
        await bot.say(ANNA, f"Строка {number}")
    await bot.say(ANNA, "Последняя", reply_markup=KEYBOARD)
    chats = page.get_by_test_id("dialog-item")
    for _ in range(3):
        await chats.nth(1).click()
        await expect(page.get_by_test_id("reply-button")).to_have_count(0)
        await chats.nth(0).click()
        await expect(page.get_by_test_id("reply-button").first).to_be_visible()
        await expect(page.get_by_test_id("message").last).to_be_in_viewport()
        await eventually(lambda: page.evaluate(f"{FROM_END} < 2"))
    await page.mouse.move(700, 200)
    await page.mouse.wheel(0, -400)
    await eventually(lambda: page.evaluate(f"{FROM_END} > 200"))


async def test_message_is_answered_and_edited_with_the_keyboard_alone(page: Page, bot: ScriptedBot) -> None:
    await page.keyboard.type("Первое\n")
    await bot.next_update("message")
    answer = await bot.say(ANNA, "Второе")
    rows = page.get_by_test_id("message")
    await expect(rows).to_have_count(2)
    for _ in range(3):
        await page.keyboard.press("Shift+Tab")
        if await rows.last.evaluate("row => row === document.activeElement"):
            break
    await expect(rows.last).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.keyboard.type("Ответ\n")
    assert (await bot.next_update("message"))["reply_to_message"]["message_id"] == answer["message_id"]
    await rows.last.focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(rows.first).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(rows.first.get_by_role("button", name="Изменить")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await page.keyboard.type("!\n")
    assert (await bot.next_update("edited_message"))["text"] == "Первое!"


async def test_focus_is_in_the_field_after_a_stop(page: Page, bot: ScriptedBot) -> None:
    await bot.call("sendMessageDraft", chat_id=ANNA, draft_id=5, text="Долгий ответ", can_stop=True)
    await page.get_by_test_id("stop").click()
    await expect(page.get_by_test_id("composer")).to_be_focused()


async def test_a_server_that_is_away_is_named_in_the_language_of_the_page(
    page: Page, bot: ScriptedBot, complaints: list[str]
) -> None:
    await page.route("**/messages", lambda route: route.abort())
    await page.keyboard.type("Привет\n")
    await expect(page.get_by_test_id("toast")).to_have_text("Не отправлено: сервер не отвечает")
    await expect(page.get_by_test_id("composer")).to_have_value("Привет")
    complaints.clear()  # the browser's note of the refused request


@pytest.mark.parametrize("width", [320, 390, 800])
async def test_nothing_sticks_out_or_breaks_inside_a_word(page: Page, bot: ScriptedBot, width: int) -> None:
    await bot.say(ANNA, "Меню", reply_markup={"keyboard": [[{"text": "📝 Сформировать MoM"}, {"text": "⬅️ Назад"}]]})
    await page.set_viewport_size({"width": width, "height": 640})
    await expect(page.get_by_test_id("reply-button").first).to_be_visible()
    words = "button => { const range = document.createRange(); const node = button.firstChild; \
        const at = node.data.indexOf('Сформировать'); range.setStart(node, at); range.setEnd(node, at + 12); \
        return range.getClientRects().length }"
    assert await page.get_by_test_id("reply-button").first.evaluate(words) == 1, "the word stands on one line"
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 720:
        await page.get_by_test_id("back").click()
    box = await page.get_by_test_id("theme-toggle").bounding_box()
    sidebar = await page.locator(".sidebar").bounding_box()
    assert box is not None and sidebar is not None
    assert box["x"] + box["width"] <= sidebar["x"] + sidebar["width"] - 4


async def test_english_browser_writes_as_chris_and_names_chats_in_english(english: Page) -> None:
    assert english.url.endswith(f"#{USERNAME}:{CHRIS}")
    await expect(english.get_by_test_id("user-switch")).to_contain_text("Chris")
    await expect(english.get_by_test_id("dialog-list")).to_contain_text("Team")
    await expect(english.get_by_test_id("suggestion").nth(1)).to_have_text("Hello!")


async def test_accessible_name_of_a_control_begins_with_its_label(english: Page) -> None:
    language = english.get_by_test_id("language-toggle")
    shown = await language.inner_text()
    assert (await language.get_attribute("aria-label") or "").startswith(shown)
    assert await english.get_by_test_id("user-switch").get_attribute("aria-label") is None
    await english.get_by_test_id("user-switch").click()
    await expect(english.get_by_role("combobox", name="Language")).to_be_visible()


async def test_axe_finds_nothing_on_media_buttons_and_a_blocked_bot(page: Page, bot: ScriptedBot) -> None:
    check = AccessibilityCheck(page)
    await bot.send_file("sendPhoto", "photo", PNG, chat_id=ANNA, caption="Фото")
    await bot.send_file("sendDocument", "document", b"text", chat_id=ANNA, caption="Файл")
    inline = {"inline_keyboard": [[{"text": "Да", "callback_data": "1"}, {"text": "Сайт", "url": "https://a.example"}]]}
    await bot.say(ANNA, "<tg-spoiler>Тайна</tg-spoiler> @name #tag", parse_mode="HTML", reply_markup=inline)
    await page.get_by_test_id("record").click()
    await expect(page.locator(".recording-time")).to_have_text("0:01")
    await check.look("recording")
    await page.get_by_test_id("record-send").click()
    await expect(page.locator('[data-out="true"]')).to_be_visible()
    await check.look("media and buttons")
    await page.locator('[data-out="false"] .photo').click()
    await expect(page.locator(".viewer img")).to_be_visible()
    await check.look("viewer")
    await page.keyboard.press("Escape")
    await page.locator(".header-tools > button").click()
    await page.get_by_test_id("block").click()
    await expect(page.get_by_role("button", name="Разблокировать бота")).to_be_visible()
    await check.look("blocked bot")
    check.finish()
