"""A tutorial's bot on python-telegram-bot with the openai SDK: the handler answers, and nothing is stored."""

import os

from openai import AsyncOpenAI
from telegram import Update  # type: ignore[import-not-found]  # installed by bench.peers
from telegram.ext import (  # type: ignore[import-not-found]  # installed by bench.peers
    ApplicationBuilder,
    ContextTypes,
    MessageHandler,
    filters,
)

client = AsyncOpenAI(base_url=os.environ["VLLM_BASE_URL"], api_key="none")


async def answer(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.message
    text = message.text or ""
    completion = await client.chat.completions.create(model="bench", messages=[{"role": "user", "content": text}])
    await message.reply_text(completion.choices[0].message.content or "")


def main() -> None:
    builder = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).base_url(f"{os.environ['TELEGRAM_API_URL']}/bot")
    # Without this one message is answered after another, as is usual for this library.
    application = builder.concurrent_updates(os.environ.get("BENCH_CONCURRENT") == "1").build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    application.run_polling()


if __name__ == "__main__":
    main()
