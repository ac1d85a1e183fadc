"""A bot whose token is exchanged for that of another Telegram account."""

from pathlib import Path

from beseda.testing.scripted_model import ScriptedModel
from botapi_sandbox import BotAccount, SandboxSettings, serve_sandbox
from tests.parts.living_bot import TOKEN, account, run_bot

OTHER = "7100000002:token-for-tests-token-for-tests"
ACCOUNTS = (account("assistant"), BotAccount(OTHER, "second_bot", "Second"))


async def test_nothing_of_the_old_account_is_sent_by_the_new_one_and_nothing_is_lost(tmp_path: Path) -> None:
    model = ScriptedModel(["ответ старого"], fallback="ответ нового")
    async with serve_sandbox(SandboxSettings(ACCOUNTS, tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            await living.fault(kind="error", method="sendMessage", status=502, count=1000)
            await anna.say("Вопрос старому.")
            await living.wait_for_calls("sendMessage")
        async with run_bot(tmp_path, model, sandbox, token=OTHER) as living:
            await living.clear_faults()
            anna = await living.user()
            await anna.say("Вопрос новому.")
            assert (await anna.wait_reply())["text"] == "ответ нового"
            await living.settle()
            assert [one["text"] for one in await anna.history() if one["from"]["is_bot"]] == ["ответ нового"]
        async with run_bot(tmp_path, model, sandbox, token=TOKEN) as living:
            anna = await living.user()
            await living.settle()
            assert "ответ старого" in [one.get("text") for one in await anna.history()]
    assert len(model.requests) == 2
