"""Alive, ready: what a supervisor or a load balancer asks."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from beseda import __version__

Check = Callable[[], Awaitable[str]]


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """Return `/health` and `/ready`. A check returns an empty string when its part answers, else what is wrong."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Say that the process is alive."""
        return {"status": "ok", "service": "beseda", "version": __version__}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        """Say whether every needed part answers, and which does not."""
        parts = {name: await check() for name, check in checks.items()}
        failed = {name: problem for name, problem in parts.items() if problem}
        body = {"status": "failed" if failed else "ok", "parts": {name: parts[name] or "ok" for name in parts}}
        return JSONResponse(body, status_code=503 if failed else 200)

    return router
