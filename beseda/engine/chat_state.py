"""State of a chat in a bot's menus: the open menu, the active mode, and the file that waits for a mode."""

from dataclasses import dataclass

from beseda.engine.context import Context
from beseda.engine.menu import ROOT
from beseda.engine.modes import ModeInput

_OFFERED = 24 * 3600.0  # seconds that a file waits for somebody to choose what is done with it


@dataclass(frozen=True, slots=True)
class ChatState:
    """A menu by its number, and the name of a mode; both empty at the main menu."""

    menu: str = ROOT
    mode: str = ""


async def find_state(context: Context) -> ChatState:
    """Return the state of the event's chat, or the main menu if the stored menu or mode no longer exists."""
    kept = await context.bot.state.get(context.state_key("mode"))
    if kept is None:
        return ChatState()
    state = ChatState(str(kept["menu"]), str(kept["mode"]))
    known = context.bot.handlers.menus.has(state.menu) and (not state.mode or state.mode in context.bot.handlers.modes)
    return state if known else ChatState()


async def keep_state(context: Context, state: ChatState) -> None:
    """Store the state of the chat. For the main menu the stored state is deleted."""
    key = context.state_key("mode")
    if state == ChatState():
        await context.bot.state.delete(key)
    else:
        await context.bot.state.set(key, {"menu": state.menu, "mode": state.mode})


async def keep_offer(context: Context, message_id: int, material: ModeInput) -> None:
    """Remember a file that the mode of the moment does not take."""
    value = {"message_id": message_id, "material": material.write()}
    await context.bot.state.set(context.state_key("offer"), value, ttl=_OFFERED)


async def find_offer(context: Context, message_id: str) -> ModeInput | None:
    """Return the file of a message that was offered a choice of modes, or None if a later message replaced it."""
    kept = await context.bot.state.get(context.state_key("offer"))
    if kept is None or str(kept["message_id"]) != message_id:
        return None
    material = kept["material"]
    return ModeInput.read(material) if isinstance(material, dict) else None
