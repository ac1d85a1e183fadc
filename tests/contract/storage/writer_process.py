"""Writes turns until it is killed and says which ones are stored: `python -m … URL`."""

import asyncio
import sys

from beseda.db.database import Database
from beseda.storage.sql.conversation import ConversationRepository
from beseda.storage.sql.turn import TurnRepository
from beseda.storage.sql.update import UpdateRepository
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
