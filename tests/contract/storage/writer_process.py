"""Writes turns until it is killed and says which ones are stored: `python -m … URL`."""

import asyncio
import sys

from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.updates.repository import UpdateRepository
from tests.contract.storage.world import World


async def main(url: str) -> None:
    database = await Database.open(url)
    stores = UpdateRepository(database), TurnRepository(database), ConversationRepository(database)
    world = World(database, *stores)

    async def chat(number: int) -> None:
        conversation = await world.open_conversation(number)
        while True:
            turn = await world.talk(conversation, "q", "a")
            print(turn.id, flush=True)

    await asyncio.gather(*map(chat, range(1, 9)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
