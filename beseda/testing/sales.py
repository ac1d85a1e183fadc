"""A model for a sale: it fills in forms from one list and answers from another."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from beseda.core.chat import Person
from beseda.core.errors import BesedaError
from beseda.core.message import Role
from beseda.features.leads.model import Lead
from beseda.llm.base import ModelRequest
from beseda.llm.prompt import is_note
from beseda.testing.living_bot import ANNA, LivingBot
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel

Entry = str | BesedaError | ScriptedAnswer


def find(slot: str, value: str, confidence: float = 0.9, *, quote: str = "", message: int = 0) -> dict[str, Any]:
    """Return an entry of a form; without a `quote` the value itself is it."""
    found = {"slot": slot, "value": value, "confidence": confidence}
    return {**found, "quote": quote or value, "message": message}


def form(*findings: dict[str, Any], signals: Sequence[str] = ("on_topic",), **more: Any) -> str:
    """Return a form that is filled in."""
    whole = {"findings": findings, "signals": signals, "confirmed": [], "denied": [], "consent": "none", **more}
    return orjson.dumps(whole).decode()


def selling_model(forms: Iterable[Entry] = (), answers: Iterable[Entry] = ()) -> ScriptedModel:
    """Return a model with these forms and answers; when a list is over, an empty form, and “ok”."""
    left_forms, left_answers = deque(forms), deque(answers)

    def reply(request: ModelRequest) -> Entry:
        if request.schema is not None:
            return left_forms.popleft() if left_forms else form()
        return left_answers.popleft() if left_answers else "ok"

    return ScriptedModel(fallback=reply)


def instructions(model: ScriptedModel) -> list[str]:
    """Return, for each answer, the system message and the notes that the model was given."""
    asked = [request.messages for request in model.requests if request.schema is None]
    return [
        "\n\n".join(one.content for one in messages if one.role is Role.SYSTEM or is_note(one)) for messages in asked
    ]


async def lead_of(living: LivingBot, user_id: int = ANNA) -> Lead:
    """Return a person's lead, once the bot has nothing left to do."""
    await living.settle()
    return await living.app.features.leads.for_user(living.bot.name, Person(user_id, ""))
