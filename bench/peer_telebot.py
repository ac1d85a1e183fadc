"""A tutorial's bot on pyTelegramBotAPI with the openai SDK: the handler answers, and nothing is stored."""

import os

import telebot  # type: ignore[import-not-found]  # installed by bench.peers into an environment of its own
from openai import OpenAI

telebot.apihelper.API_URL = f"{os.environ['TELEGRAM_API_URL']}/bot{{0}}/{{1}}"
client = OpenAI(base_url=os.environ["VLLM_BASE_URL"], api_key="none")
bot = telebot.TeleBot(os.environ["BOT_TOKEN"])


def answer(message: telebot.types.Message) -> None:
    text = message.text or ""
    completion = client.chat.completions.create(model="bench", messages=[{"role": "user", "content": text}])
    bot.send_message(message.chat.id, completion.choices[0].message.content or "")


bot.register_message_handler(answer, content_types=["text"])

if __name__ == "__main__":
    bot.infinity_polling()
