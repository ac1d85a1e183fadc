"""Many people in a sandbox who have talked to a bot in private."""

import asyncio
from collections import Counter
from typing import Any

from tests.parts.living_bot import LivingBot
from tests.parts.waiting import eventually

FIRST = 7100000001


async def gather_crowd(living: LivingBot, number: int, *, language: str = "ru") -> list[int]:
    """Have so many new people say hello to the bot and return their ids."""
    anna = await living.user()
    people = list(range(FIRST, FIRST + number))

    async def greet(user_id: int) -> None:
        fields = {"id": user_id, "first_name": f"P{user_id % 1000}", "language_code": language}
        await anna.call("POST", "/users", json=fields)
        await anna.call(
            "POST", f"/dialogs/{living.username}:{user_id}/messages", json={"user_id": user_id, "text": "/start"}
        )

    for start in range(0, number, 50):
        await asyncio.gather(*(greet(user_id) for user_id in people[start : start + 50]))

    async def are_known() -> bool:
        return len(await read_greeted(living)) >= number

    await eventually(are_known, within=60)
    await living.settle()
    return people


async def read_greeted(living: LivingBot) -> set[int]:
    """Return who got an answer of the bot's."""
    return {call["params"]["chat_id"] for call in await living.calls("sendMessage")}


async def block(living: LivingBot, people: list[int]) -> None:
    """Have these people block the bot; Telegram tells the bot."""
    anna = await living.user()
    for user_id in people:
        await anna.call("POST", f"/dialogs/{living.username}:{user_id}/block", json={"user_id": user_id})


async def count_received(living: LivingBot, text: str, method: str = "sendMessage") -> Counter[int]:
    """Return how often each person got a message with this text."""
    received: Counter[int] = Counter()
    for call in await living.calls(method):
        params: dict[str, Any] = call["params"]
        if text in str(params.get("text", params.get("caption", ""))) and call["status"] == 200:
            received[int(params["chat_id"])] += 1
    return received
