"""Where a chat stands in a bot's menus: which menu is open, which mode is on, which file waits for one."""

from dataclasses import dataclass

from beseda.dispatch.context import Context
from beseda.dispatch.menu import ROOT
from beseda.dispatch.mode_input import ModeInput

_OFFERED = 24 * 3600.0  # seconds that a file waits for somebody to choose what is done with it


@dataclass(frozen=True, slots=True)
class ChatState:
    """A menu by its number, and the name of a mode; both empty at the main menu."""

    menu: str = ROOT
    mode: str = ""


async def find_standing(context: Context) -> ChatState:
    """Return where the event's chat stands; at the main menu where what was kept does not exist any more."""
    kept = await context.desk.state.get(context.state_key("mode"))
    if kept is None:
        return ChatState()
    standing = ChatState(str(kept["menu"]), str(kept["mode"]))
    known = context.desk.menus.has(standing.menu) and (not standing.mode or standing.mode in context.desk.modes)
    return standing if known else ChatState()


async def keep_standing(context: Context, standing: ChatState) -> None:
    """Remember where the chat stands; the main menu needs no remembering."""
    key = context.state_key("mode")
    if standing == ChatState():
        await context.desk.state.delete(key)
    else:
        await context.desk.state.set(key, {"menu": standing.menu, "mode": standing.mode})


async def keep_offer(context: Context, message_id: int, material: ModeInput) -> None:
    """Remember a file that the mode of the moment does not take."""
    value = {"message_id": message_id, "material": material.write()}
    await context.desk.state.set(context.state_key("offer"), value, ttl=_OFFERED)


async def find_offer(context: Context, message_id: str) -> ModeInput | None:
    """Return the file of a message that was offered a mode, or None where another came since."""
    kept = await context.desk.state.get(context.state_key("offer"))
    if kept is None or str(kept["message_id"]) != message_id:
        return None
    material = kept["material"]
    return ModeInput.read(material) if isinstance(material, dict) else None
