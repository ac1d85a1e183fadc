"""Bots: list them, with those that run in this process."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from beseda.core.errors import BesedaError, NotFoundError
from beseda.core.services import Services
from beseda.engine.bot import BotProfile
from beseda.llm.provider import ModelProvider
from beseda.web.auth import READ
from beseda.web.dependencies import BotList
from beseda.web.fields import BotName
from beseda.web.pagination import Page
from beseda.web.problems import problems
from beseda.web.responses import ListResponse, show
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


def router(services: Services) -> APIRouter:
    """Return the routes of bots."""
    routes = api_router("/bots", "bots")
    bots, models = services.get(BotList), services.get(ModelProvider)

    @routes.get("", response_model=Page[BotOut], summary="List the bots", dependencies=[READ])
    async def list_bots() -> Response:
        items = [await _show(profile, bots, models) for profile in bots.profiles]
        return show(ListResponse(items, len(items), len(items)))

    @routes.get(
        "/{bot}",
        response_model=BotOut,
        summary="Get a bot",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_bot(bot: BotName) -> Response:
        for profile in bots.profiles:
            if profile.name == bot:
                return show(await _show(profile, bots, models))
        raise NotFoundError(f"bot {bot}")

    return routes


async def _name_model(models: ModelProvider, profile: BotProfile) -> str:
    """Return the name of the model that answers: the bot's model, or the program's if that one is not set up."""
    try:
        return (await models.find(profile.model)).name
    except BesedaError:
        return profile.model or models.program.name


async def _show(profile: BotProfile, bots: BotList, models: ModelProvider) -> dict[str, Any]:
    running = bots.running
    return {
        "name": profile.name,
        "title": profile.title.say("en"),
        "title_ru": profile.title.say("ru"),
        "running": None if running is None else profile.name in running(),
        "model": await _name_model(models, profile),
        "voice": profile.voice,
        "modes": list(profile.modes),
    }
