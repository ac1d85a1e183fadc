"""Errors of the Bot API, in Telegram's words."""

from __future__ import annotations

from typing import Any


class ApiRefusalError(Exception):
    """A call the Bot API answers with `ok: false`; carries Telegram's code, text and parameters.

    `in_album` is the text for a file of an album that is refused while it is sent; empty for a refusal before that.
    """

    def __init__(
        self, code: int, description: str, parameters: dict[str, Any] | None = None, *, in_album: str = ""
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters
        self.in_album = in_album

    def to_answer(self) -> dict[str, Any]:
        """The body of the HTTP answer."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


def bad_request(reason: str, *, in_album: str = "") -> ApiRefusalError:
    """Telegram's 400; its server writes the first letter of a reason small when a word follows."""
    in_album = in_album or (reason if reason.isupper() else "")  # such a name comes from the server that sends
    if len(reason) > 1 and reason[0].isupper() and not reason[1].isupper() and reason[1] != "_":
        reason = reason[0].lower() + reason[1:]
    return ApiRefusalError(400, f"Bad Request: {reason}", in_album=in_album)


def forbidden(reason: str) -> ApiRefusalError:
    """Telegram's 403."""
    return ApiRefusalError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiRefusalError:
    """Telegram's 409."""
    return ApiRefusalError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiRefusalError:
    """Telegram's 429; `retry_after` in seconds."""
    return ApiRefusalError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})
