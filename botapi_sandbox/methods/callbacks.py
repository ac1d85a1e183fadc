"""Answers to pressed inline buttons."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botapi_sandbox.formatted_text import count_units
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.services import Handler, MethodCall

_ANSWER_SECONDS = 60
_MAX_ANSWER_UNITS = 200  # #answercallbackquery


async def answer_callback_query(call: MethodCall) -> bool:
    """#answercallbackquery"""
    params = call.params
    callback_id = params.text("callback_query_id")
    text = params.text("text")
    if count_units(text) > _MAX_ANSWER_UNITS:
        raise bad_request("MESSAGE_TOO_LONG")
    callback = call.services.take_callback(callback_id, call.bot)
    if callback is None or time.monotonic() - callback.born > _ANSWER_SECONDS:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    call.services.events.publish(
        callback.dialog.key,
        "callback_answer",
        callback_query_id=callback_id,
        text=text,
        show_alert=params.boolean("show_alert"),
        url=params.text("url") or None,
    )
    return True


METHODS: dict[str, Handler] = {"answerCallbackQuery": answer_callback_query}
