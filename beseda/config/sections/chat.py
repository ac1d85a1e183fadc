"""The section `chat` of the settings."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from beseda.config.setting import Section, Setting


class ChatSection(Section):
    """Memory of `beseda chat`."""

    chat_memory_file: Annotated[
        Path,
        Setting(
            "chat.memory_file",
            "Where `beseda chat` keeps its conversations; the variable stands above the flag.",
            "a file",
            variables=("CHAT_MEMORY_FILE",),
            flag="--memory-file",
            outranks_flag=True,
        ),
    ] = Path(".chat_memory.json")
    chat_memory_list_limit: Annotated[
        Annotated[int, Field(ge=0, le=1000)],
        Setting(
            "chat.memory_list_limit",
            "How many conversations `beseda chat` offers at its start; the variable stands above the flag.",
            "a whole number from 0 to 1000",
            variables=("CHAT_MEMORY_LIST_LIMIT",),
            flag="--session-list-limit",
            outranks_flag=True,
        ),
    ] = 5
