"""Every refusal of the web is a problem of RFC 9457: JSON with `title`, `status` and `detail`, never a traceback."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from beseda.errors import BesedaError

_MEDIA_TYPE = "application/problem+json"


def show_problem(status: int, detail: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a problem as an answer."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = detail
    return JSONResponse(body, status_code=status, headers=headers, media_type=_MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Have `app` answer every error as a problem; one of ours says to a stranger what it says to a user, no more."""

    @app.exception_handler(HTTPException)
    async def refuse(_: Request, error: HTTPException) -> JSONResponse:
        return show_problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def refuse_input(_: Request, error: RequestValidationError) -> JSONResponse:
        places = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        return show_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(places))

    @app.exception_handler(BesedaError)
    async def explain(_: Request, error: BesedaError) -> JSONResponse:
        headers = {"Retry-After": str(max(1, round(error.retry_after)))} if error.retry_after else None
        return show_problem(error.status, error.say("en"), headers)

    @app.exception_handler(Exception)
    async def apologise(_: Request, __: Exception) -> JSONResponse:
        # The server has it in the log, with its traceback.
        return show_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
