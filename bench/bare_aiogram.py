"""The reference: the shortest aiogram bot with the openai SDK, as tutorials write it. It stores nothing.

Started as a process of its own, with the same variables as Beseda. BENCH_STREAM=1 collects a streamed answer.
"""

import asyncio
import logging
import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from openai import AsyncOpenAI

MODEL = "bench"
dispatcher = Dispatcher()
client = AsyncOpenAI(base_url=os.environ["VLLM_BASE_URL"], api_key="none")


async def ask(text: str) -> str:
    """Return the whole answer."""
    if os.environ.get("BENCH_STREAM") != "1":
        completion = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
        return completion.choices[0].message.content or ""
    stream = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    )
    return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])


@dispatcher.message()
async def answer(message: Message) -> None:
    await message.answer(await ask(message.text or ""))


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["TELEGRAM_API_URL"]))
    await dispatcher.start_polling(Bot(os.environ["BOT_TOKEN"], session=session))


if __name__ == "__main__":
    asyncio.run(main())
