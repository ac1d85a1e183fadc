"""Budgets as a person meets them: a cheaper model, a polite refusal, a new day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from beseda.core.usage import Usage
from beseda.db.database import Database
from beseda.engine.usage.tables import budget_counters
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.living_bot import GROUP, living_bot
from tests.parts.model_server import ModelServer, Reply
from tests.parts.speech_server import SpeechServer

SAMPLES = Path(__file__).parents[2] / "samples"
REFUSED = "На сегодня лимит исчерпан"


def says(text: str, tokens: int) -> ScriptedAnswer:
    return ScriptedAnswer(pieces=(text,), usage=Usage(tokens, 0))


async def shift_days(folder: Path) -> None:
    """Make what is counted that of yesterday, as it will be tomorrow."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    database = await Database.open(f"sqlite:///{folder}/data/beseda.db")
    await database.write(lambda connection: connection.execute(update(budget_counters).values(day=yesterday)))
    await database.close()


async def test_cheaper_model_steps_in_at_80_percent(tmp_path: Path) -> None:
    async with ModelServer() as server:
        server.default = Reply(text="from the cheaper one", usage=(5, 5))
        environ = {
            "BESEDA_BUDGET_USER_TOKENS": "10000",
            "BESEDA_BUDGET_CHEAPER_MODEL": "vllm:small",
            "VLLM_BASE_URL": server.base_url,
        }
        async with living_bot(tmp_path, ScriptedModel([says("first", 8000)]), **environ) as living:
            anna = await living.user()
            await anna.say("one")
            await anna.wait_text("first")
            await anna.say("two")
            await anna.wait_text("from the cheaper one")
            await anna.say("/stats")
            stats = (await anna.wait_text("Сегодня"))["text"]
    assert "токенов у вас: 8 010 из 10 000, осталось 1 990" in stats


async def test_used_up_budget_is_reported_once_and_renewed_with_the_day(tmp_path: Path) -> None:
    model = ScriptedModel([says("first", 4000), says("a new day", 10)])
    async with living_bot(tmp_path, model, BESEDA_BUDGET_USER_TOKENS="4000") as living:
        anna = await living.user()
        await anna.say("one")
        await anna.wait_text("first")
        for text in ("two", "three", "four"):
            await anna.say(text)
        await anna.wait_text(REFUSED)
        await living.settle()
        bot_said = [message for message in await anna.history() if message["from"]["is_bot"]]
        assert len(bot_said) == 2
        assert "reply_markup" not in bot_said[-1]
        assert len(model.requests) == 1
        await shift_days(tmp_path)
        await anna.say("five")
        await anna.wait_text("a new day")


async def test_budget_of_a_group_does_not_bind_a_private_chat(tmp_path: Path) -> None:
    model = ScriptedModel([says("in the group", 4000), says("in private", 500)])
    async with living_bot(tmp_path, model, BESEDA_BUDGET_GROUP_TOKENS="4000") as living:
        group, anna = await living.user(dialog=f"group:{GROUP}"), await living.user()
        await group.say("@assistant_bot one")
        await group.wait_text("in the group")
        await group.say("@assistant_bot two")
        await group.wait_text(REFUSED)
        await anna.say("three")
        await anna.wait_text("in private")


async def test_folder_sets_its_own_budgets(tmp_path: Path) -> None:
    folder = tmp_path / "bots" / "miser"
    folder.mkdir(parents=True)
    texts = "title: {ru: Т, en: T}\nabout: {ru: О, en: A}\ngreeting: {ru: П, en: G}\n"
    (folder / "bot.yaml").write_text(f"{texts}budgets: {{user_tokens: 500}}\ntime_zone: Asia/Tokyo\n")
    (folder / "persona_prompt.md").write_text("You save.")
    async with living_bot(tmp_path, ScriptedModel([says("first", 500)]), "miser") as living:
        anna = await living.user()
        await anna.say("one")
        await anna.wait_text("first")
        await anna.say("two")
        await anna.wait_text(REFUSED)


async def test_minutes_of_speech_are_known_after_probing(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=says("heard", 10))
    async with SpeechServer(text="hello") as speech:
        environ = {"BESEDA_SPEECH": "asr", "ASR_BASE_URL": speech.base_url, "BESEDA_BUDGET_BOT_SPEECH_MINUTES": "1"}
        async with living_bot(tmp_path, model, **environ) as living:
            anna = await living.user()
            hello = (SAMPLES / "voice" / "hello.ogg").read_bytes()
            await anna.send_voice(hello)
            await anna.wait_text("heard")
            [standing] = await living.app.engine.budgets.statuses("assistant", 0)
            while (await living.app.engine.budgets.statuses("assistant", 0))[0].left >= standing.used:
                await anna.send_voice(hello)
                await living.settle()
            heard = len(speech.heard)
            await anna.send_voice(hello)
            await anna.wait_text(REFUSED)
            assert len(speech.heard) == heard


async def test_pictures_of_a_day_are_counted(tmp_path: Path) -> None:
    photo = (SAMPLES / "photo" / "dull.jpg").read_bytes()
    async with living_bot(tmp_path, ScriptedModel(), "media", BESEDA_BUDGET_USER_PICTURES="1") as living:
        anna = await living.user()
        await anna.say("✨ Улучшить фото")
        await anna.wait_text("Режим")
        await anna.send_file(photo, "photo", "dull.jpg")
        await anna.wait_text("✨ Готово", timeout=60)
        await living.settle()
        await anna.send_file(photo, "photo", "dull.jpg")
        notice = await anna.wait_text("Новый будет")
        buttons = [button["text"] for row in notice["reply_markup"]["inline_keyboard"] for button in row]
        assert "Повторить" not in buttons


async def test_panel_is_refused_once_and_not_for_each_seat(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=says("verse", 3990))
    async with living_bot(tmp_path, model, "literary", BESEDA_BUDGET_USER_TOKENS="4000") as living:
        anna = await living.user()
        await anna.say("The first story.")
        await anna.wait_text("📏")
        await anna.say("The second story.")
        await anna.wait_text(REFUSED)
        await anna.say("/compare The third story.")
        await anna.say("/stats")
        await anna.wait_text("Сегодня")  # in turn: the third is worked off
        refusals = [message for message in await anna.history() if REFUSED in message.get("text", "")]
    assert len(refusals) == 1
    assert len(model.requests) == 3  # the variants of the first question
