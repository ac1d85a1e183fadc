"""Alive, ready: what a supervisor or a load balancer asks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from beseda import __version__

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[str]]
_PATIENCE = 2.0  # seconds: who asks gives up soon after


def health_router(checks: Mapping[str, Check], *, patience: float = _PATIENCE) -> APIRouter:
    """Return `/health` and `/ready`. A check returns an empty string when its part answers, else what is wrong.

    A part that says nothing for `patience` seconds does not answer.
    """
    router = APIRouter()

    @router.head("/health", include_in_schema=False)  # what some load balancers send
    @router.get("/health")
    async def health() -> dict[str, str]:
        """Say that the process is alive."""
        return {"status": "ok", "service": "beseda", "version": __version__}

    @router.head("/ready", include_in_schema=False)
    @router.get("/ready")
    async def ready() -> JSONResponse:
        """Say whether every needed part answers, and which does not."""
        found = await asyncio.gather(*(_ask(name, check, patience) for name, check in checks.items()))
        failed = any(found)
        parts = {name: problem or "ok" for name, problem in zip(checks, found, strict=True)}
        return JSONResponse({"status": "failed" if failed else "ok", "parts": parts}, 503 if failed else 200)

    return router


async def _ask(name: str, check: Check, patience: float) -> str:
    try:
        return await asyncio.wait_for(check(), patience)
    except TimeoutError:
        return "does not answer"
    except Exception:
        log.exception("the check of %s failed", name)
        return "failed"
