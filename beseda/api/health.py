"""Liveness and readiness, for a supervisor or a load balancer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from beseda import __version__
from beseda.web.responses import show

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[str]]
_PATIENCE = 2.0  # seconds: who asks gives up soon after


@dataclass(frozen=True, slots=True)
class ReadinessChecks:
    """The checks of `/ready` by the names of their parts."""

    by_part: Mapping[str, Check]


class Health(BaseModel):
    """The process is alive."""

    status: str
    service: str
    version: str

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "ok", "service": "beseda", "version": __version__}]}
    )


class Readiness(BaseModel):
    """State of each part: `ok`, or a description of the problem."""

    status: str
    parts: dict[str, str]

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok", "parts": {"database": "ok"}}]})


def health_router(checks: Mapping[str, Check], *, patience: float = _PATIENCE) -> APIRouter:
    """Return `/health` and `/ready`. A check returns an empty string if its part works, else a description of the
    problem.

    A part that does not respond within `patience` seconds counts as failed.
    """
    router = APIRouter(tags=["health"])

    @router.head("/health", include_in_schema=False)  # what some load balancers send
    @router.get("/health", response_model=Health, summary="Check that the process is alive")
    async def health() -> Response:
        return show({"status": "ok", "service": "beseda", "version": __version__})

    @router.head("/ready", include_in_schema=False)
    @router.get(
        "/ready",
        response_model=Readiness,
        summary="Check the parts that the process needs",
        responses={503: {"description": "A part does not answer.", "model": Readiness}},
    )
    async def ready() -> Response:
        found = await ask_all(checks, patience)
        failed = any(found.values())
        parts = {name: problem or "ok" for name, problem in found.items()}
        return show({"status": "failed" if failed else "ok", "parts": parts}, status=503 if failed else 200)

    return router


async def ask_all(checks: Mapping[str, Check], patience: float) -> dict[str, str]:
    """Run all checks concurrently. Return the problem of each part; it is an empty string if there is none."""
    found = await asyncio.gather(*(_ask(name, check, patience) for name, check in checks.items()))
    return dict(zip(checks, found, strict=True))


async def _ask(name: str, check: Check, patience: float) -> str:
    try:
        return await asyncio.wait_for(check(), patience)
    except TimeoutError:
        return "does not answer"
    except Exception:
        log.exception("the check of %s failed", name)
        return "failed"
