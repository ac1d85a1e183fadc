"""`beseda chat`: a conversation in the terminal that remembers."""

from pathlib import Path
from typing import Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings


def chat(
    model: Annotated[
        str | None, typer.Option("--model", help="endpoint:model or a short name, or a list with commas.")
    ] = None,
    memory_file: Annotated[
        Path | None, typer.Option("--memory-file", help="Where to remember; CHAT_MEMORY_FILE stands above this.")
    ] = None,
    session_list_limit: Annotated[
        int | None,
        typer.Option("--session-list-limit", help="How many to offer; CHAT_MEMORY_LIST_LIMIT stands above this."),
    ] = None,
    system: Annotated[str, typer.Option("--system", help="Instructions for the model.")] = "",
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, max=2.0, help="0 is sober, 2 is wild.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="The longest answer.")] = None,
    cap_tokens: Annotated[int | None, typer.Option("--cap-tokens", min=1, help="Ask before going beyond.")] = None,
    cap_cost: Annotated[
        float | None, typer.Option("--cap-cost", min=0.0, help="Ask before going beyond, in US dollars.")
    ] = None,
    context_tokens: Annotated[
        int | None, typer.Option("--context-tokens", min=1, help="What the model can read, to be warned in time.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Begin a new conversation without asking.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Read the memory, write nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Talk with a model in the terminal; conversations are remembered in a file."""
    import asyncio

    from beseda.app_settings import llm_settings
    from beseda.cli.memory_file import MemoryFile
    from beseda.cli.repl.budget import Budget
    from beseda.cli.repl.loop import run_chat
    from beseda.cli.repl.session_context import ChatOptions

    settings = read_settings(
        config, model=model, chat_memory_file=memory_file, chat_memory_list_limit=session_list_limit
    )
    options = ChatOptions(
        language=settings.language,
        list_limit=settings.chat_memory_list_limit,
        system=system.encode("utf-8", "replace").decode().strip(),
        temperature=temperature,
        max_tokens=max_tokens,
        context_tokens=context_tokens,
        begin_new=new,
    )
    file = MemoryFile(settings.chat_memory_file, read_only=read_only)
    try:
        # The standard loop: the line editor drives the terminal through it.
        code = asyncio.run(run_chat(llm_settings(settings), file, options, Budget(cap_tokens, cap_cost)))
    finally:
        file.close()
    raise typer.Exit(code)
