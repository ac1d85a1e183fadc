from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from botapi_sandbox.chats import ShownDraft
from botapi_sandbox.refusals import bad_request
from botapi_sandbox.validation import MAX_TEXT_UNITS

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog
    from botapi_sandbox.services import Handler, MethodCall, SandboxServices

_DRAFT_SECONDS = 30  # #sendmessagedraft


async def send_message_draft(call: MethodCall) -> bool:
    """#sendmessagedraft"""
    params, services = call.params, call.services
    entities = params.decode_json("entities", "entities")
    parsed = services.parser.parse(params.text("text"), params.text("parse_mode"), entities)
    dialog = call.find_chat()
    thread_id = params.integer("message_thread_id")
    if thread_id > 0 and not dialog.has_topic(thread_id):
        raise bad_request("message thread not found")
    text = services.parser.complete(parsed)
    if not dialog.is_private:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    services.state.check_not_blocked(dialog)
    if params.integer("draft_id") == 0:
        raise bad_request("RANDOM_ID_INVALID")
    if text.units > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    draft = ShownDraft(
        params.integer("draft_id"),
        text.text,
        text.entities,
        params.boolean("can_stop"),
        params.boolean("keep_on_stop"),
        thread_id if thread_id > 0 else None,
    )
    _show(services, dialog, draft)
    return True


def _show(services: SandboxServices, dialog: Dialog, draft: ShownDraft) -> None:
    if dialog.draft is not None and dialog.draft.timer is not None:
        dialog.draft.timer.cancel()
    loop = asyncio.get_running_loop()
    draft.timer = loop.call_later(_DRAFT_SECONDS, services.state.end_draft, dialog)
    dialog.draft = draft
    services.events.publish(dialog.key, "draft", draft=draft.to_view())


METHODS: dict[str, Handler] = {"sendMessageDraft": send_message_draft}
