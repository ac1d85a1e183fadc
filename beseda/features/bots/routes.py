"""Bots: which there are, and which of them run here."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from beseda.core.errors import BesedaError, NotFoundError
from beseda.engine.bot import BotProfile
from beseda.web.auth import needs
from beseda.web.dependencies import ApiParts
from beseda.web.fields import BotName
from beseda.web.pagination import Page
from beseda.web.problems import problems
from beseda.web.responses import ListResponse, show, show_list
from beseda.web.routing import api_router


class BotOut(BaseModel):
    """A bot. `running` is null if the process that responds runs no bots. `model` is the model that answers for the
    bot.
    """

    name: str
    title: str
    title_ru: str
    running: bool | None
    model: str
    voice: bool
    modes: list[str]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "sales",
                    "title": "Sales assistant",
                    "title_ru": "Помощник продавца",
                    "running": True,
                    "model": "vllm",
                    "voice": True,
                    "modes": [],
                }
            ]
        }
    )


def router(parts: ApiParts) -> APIRouter:
    """Return the routes of bots."""
    routes = api_router("/bots", "bots")

    @routes.get("", response_model=Page[BotOut], summary="List the bots", dependencies=[Depends(needs("read"))])
    async def list_bots() -> Response:
        items = [await _show(parts, profile) for profile in parts.bots.profiles]
        return show_list(ListResponse(items, len(items), len(items)))

    @routes.get(
        "/{bot}",
        response_model=BotOut,
        summary="Get a bot",
        responses=problems(404),
        dependencies=[Depends(needs("read"))],
    )
    async def get_bot(bot: BotName) -> Response:
        for profile in parts.bots.profiles:
            if profile.name == bot:
                return show(await _show(parts, profile))
        raise NotFoundError(f"bot {bot}")

    return routes


async def _name_model(parts: ApiParts, profile: BotProfile) -> str:
    """Return the name of the model that answers: the bot's model, or the program's if that one is not set up."""
    if parts.models is None:
        return profile.model or parts.model
    try:
        return (await parts.models.find(profile.model)).name
    except BesedaError:
        return profile.model or parts.model


async def _show(parts: ApiParts, profile: BotProfile) -> dict[str, Any]:
    running = parts.bots.running
    return {
        "name": profile.name,
        "title": profile.title.say("en"),
        "title_ru": profile.title.say("ru"),
        "running": None if running is None else profile.name in running(),
        "model": await _name_model(parts, profile),
        "voice": profile.voice,
        "modes": list(profile.modes),
    }
