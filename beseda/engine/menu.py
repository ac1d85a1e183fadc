"""The menus of one bot: the target of each label, and the layout of the buttons.

In a private chat they are keys below the input field; in a group, in which such keys would be visible to all members,
inline buttons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beseda.engine.bot import MenuItem
from beseda.locales import Text
from beseda.telegram.keyboards import Button, Keyboard, Markup, ReplyKeyboard

BACK = Text("menu.back")
HOME = Text("menu.home")
_BACK_TYPED = Text("menu.back_typed")  # the same without its arrow
_SHORT = 24  # characters: of longer labels a phone shows only one in a row

ROOT = ""


@dataclass(frozen=True, slots=True)
class MenuStep:
    """The target of a button, as `kind:name`: a menu (by its number, "" the main one), a mode, a command, an action."""

    kind: str
    name: str = ROOT

    @property
    def data(self) -> str:
        """The data of the inline button that leads there."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Face:
    """The labels of a mode in a menu: that of its button, and those of its actions."""

    button: Text
    actions: Sequence[Text] = ()


class MenuBook:
    """The menus of a bot and the labels on their buttons."""

    def __init__(self, menu: Sequence[MenuItem], faces: Mapping[str, Face]) -> None:
        """`faces` by the names of the modes."""
        self._faces = faces
        self._menu = menu
        self._steps: dict[str, MenuStep] = {}
        for number, item in enumerate(menu):
            for entry in (item, *item.items):
                self._enter(self.label(entry), _lead(entry, number))
        for name, face in faces.items():
            for number, action in enumerate(face.actions):
                self._enter(action, MenuStep("action", f"{name}.{number}"))
        self._steps |= {
            label: MenuStep("back") for text in (BACK, _BACK_TYPED) for label in text.by_language().values()
        }
        self._enter(HOME, MenuStep("menu"))

    def _enter(self, label: Text, step: MenuStep) -> None:
        for text in label.by_language().values():
            self._steps.setdefault(text, step)

    def find(self, text: str) -> MenuStep | None:
        """Return the target of a label, or None if the text is no label."""
        return self._steps.get(text)

    def label(self, item: MenuItem) -> Text:
        """Return the label of a button."""
        return item.label or self._faces[item.mode].button

    def title(self, place: str) -> Text:
        """Return the name of a menu."""
        return self.label(self._menu[int(place)]) if self.has(place) and place else HOME

    def has(self, place: str) -> bool:
        """Return whether there is a menu of this number; the main one is always there."""
        return not place or (place.isdigit() and int(place) < len(self._menu) and bool(self._menu[int(place)].items))

    def home_of(self, mode: str) -> str:
        """Return the number of the menu that a mode stands in."""
        for number, item in enumerate(self._menu):
            if any(entry.mode == mode for entry in item.items):
                return str(number)
        return ROOT

    def markup(self, place: str, language: str, *, private: bool) -> Markup:
        """Return the buttons of a menu."""
        items = self._menu[int(place)].items if place else self._menu
        steps = [(self.label(item).say(language), _lead(item, number)) for number, item in enumerate(items)]
        return lay_out(steps, language, private=private, back=bool(place))

    def actions(self, mode: str, language: str, *, private: bool) -> Markup:
        """Return the buttons of a mode's actions."""
        steps = [
            (action.say(language), MenuStep("action", f"{mode}.{number}"))
            for number, action in enumerate(self._faces[mode].actions)
        ]
        return lay_out(steps, language, private=private, back=True)


def _lead(item: MenuItem, number: int) -> MenuStep:
    if item.mode:
        return MenuStep("mode", item.mode)
    return MenuStep("command", item.command) if item.command else MenuStep("menu", str(number))


def lay_out(steps: Sequence[tuple[str, MenuStep]], language: str, *, private: bool, back: bool) -> Markup:
    """Return buttons, two in a row if both labels are short, with "Back" in its own row."""
    rows: list[list[tuple[str, MenuStep]]] = []
    for step in steps:
        if rows and len(rows[-1]) == 1 and max(len(step[0]), len(rows[-1][0][0])) <= _SHORT:
            rows[-1].append(step)
        else:
            rows.append([step])
    if private:
        labels = [[label for label, _ in row] for row in rows]
        return ReplyKeyboard([*labels, [BACK.say(language)]] if back else labels)
    keyboard: Keyboard = [[Button(label, step.data) for label, step in row] for row in rows]
    return [*keyboard, [Button(BACK.say(language), MenuStep("back").data)]] if back else keyboard
