"""HTTP endpoints of the chat page and of scripted users: JSON and one stream of events."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from botapi_sandbox import user_actions
from botapi_sandbox.flood import FloodLimits
from botapi_sandbox.guard import as_json, guarded
from botapi_sandbox.methods.commands import list_visible
from botapi_sandbox.params import read_params
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.settings import SandboxPerson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from botapi_sandbox.chats import Dialog, Json
    from botapi_sandbox.event_log import Subscription
    from botapi_sandbox.services import SandboxServices

    Action = Callable[[SandboxServices, Dialog, Json], Json]
    Endpoint = Callable[[Request], Awaitable[Response]]

_HEARTBEAT_SECONDS = 15.0
_MAX_SHOWN = 1_000
_INLINE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/")
# What a person does in a dialog, by the last part of the path.
_ACTIONS: dict[str, Action] = {
    "messages": user_actions.write_text,
    "edits": user_actions.edit_text,
    "contacts": user_actions.share_contact,
    "callbacks": user_actions.press_button,
    "reactions": user_actions.react,
    "administrators": user_actions.set_administrator,
    "stop": user_actions.stop_draft,
    "block": user_actions.set_blocked,
}


class UserApi:
    """Endpoints of the user side."""

    def __init__(self, services: SandboxServices) -> None:
        self._services = services

    def make_routes(self, prefix: str) -> list[BaseRoute]:
        """All routes, each behind the guard."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/state", self.show_state),
            ("POST", "/users", self.add_user),
            ("GET", "/commands", self.list_commands),
            ("GET", "/dialogs/{dialog}", self.show_dialog),
            ("POST", "/dialogs/{dialog}/files", self.send_file),
            ("GET", "/files/{file_id}", self.download),
            ("POST", "/updates", self.inject_update),
            ("GET", "/events", self.follow_events),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("PUT", "/flood", self.configure_flood),
            ("GET", "/calls", self.list_calls),
            ("POST", "/reset", self.reset),
        ]
        table += [("POST", f"/dialogs/{{dialog}}/{name}", self._make_endpoint(act)) for name, act in _ACTIONS.items()]
        return [Route(prefix + path, guarded(endpoint), methods=[method]) for method, path, endpoint in table]

    # -- what there is --------------------------------------------------------------------------------------------

    async def show_state(self, request: Request) -> Response:
        """Bots, people, groups."""
        state = self._services.state
        groups = [state.describe_group(group) for group in state.groups.values()]
        view = {
            "bots": [bot.to_view() for bot in state.bots.values()],
            "users": list(state.users.values()),
            "groups": groups,
            "seq": self._services.events.seq,
            "parser": self._services.parser.name,
            "title": self._services.settings.title,
            "panel": self._services.settings.panel,
        }
        return as_json(view)

    async def add_user(self, request: Request) -> Response:
        """A new person."""
        fields = await _read(request)
        name = str(fields.get("first_name") or "").strip()
        if not 0 < len(name) <= 64:
            raise bad_request("first_name must have 1 to 64 characters")
        person = SandboxPerson(
            id=int(fields.get("id") or self._services.state.pick_user_id()),
            first_name=name,
            last_name=_get_text(fields, "last_name"),
            username=_get_text(fields, "username"),
            language_code=_get_text(fields, "language_code"),
        )
        return as_json(self._services.add_user(person))

    async def list_commands(self, request: Request) -> Response:
        """Commands as this person sees them."""
        query, state = request.query_params, self._services.state
        bot, user = state.find_bot(query.get("bot", "")), state.users.get(int(query.get("user_id", 0)))
        if bot is None or user is None:
            raise bad_request("bot and user_id must be known")
        group = state.groups.get(int(query.get("chat_id", 0)))
        dialog = state.open_group(group) if group else state.open_private(bot, user)
        return as_json(list_visible(bot, dialog, user))

    async def show_dialog(self, request: Request) -> Response:
        """The latest messages of a dialog."""
        dialog = user_actions.get_dialog(self._services, request.path_params["dialog"])
        limit = min(int(request.query_params.get("limit", 200)), _MAX_SHOWN)
        return as_json({**dialog.to_view(limit), "seq": self._services.events.seq})

    async def download(self, request: Request) -> Response:
        """A file of a message, for the page."""
        stored = self._services.files.get(request.path_params["file_id"])
        if stored is None:
            raise ApiRefusalError(404, "There is no such file")
        is_inline = stored.mime_type.startswith(_INLINE_TYPES)
        return FileResponse(
            stored.path,
            media_type=stored.mime_type if is_inline else "application/octet-stream",
            filename=stored.name,
            content_disposition_type="inline" if is_inline else "attachment",
        )

    # -- what people do -------------------------------------------------------------------------------------------

    async def send_file(self, request: Request) -> Response:
        """A file."""
        dialog = user_actions.get_dialog(self._services, request.path_params["dialog"])
        params = await read_params(request, max_file_bytes=self._services.settings.max_user_file_bytes)
        try:
            upload = params.upload("file")
            if upload is None:
                raise bad_request("file is missing")
            return as_json(await user_actions.send_file(self._services, dialog, params.values, upload))
        finally:
            await params.close()

    def _make_endpoint(self, act: Action) -> Endpoint:
        async def answer(request: Request) -> Response:
            dialog = user_actions.get_dialog(self._services, request.path_params["dialog"])
            return as_json(act(self._services, dialog, await _read(request)))

        return answer

    async def inject_update(self, request: Request) -> Response:
        """A raw update, for kinds nothing here produces."""
        fields = await _read(request)
        bot, update = self._services.state.find_bot(str(fields.get("bot") or "")), fields.get("update")
        if bot is None or not isinstance(update, dict) or len(update) != 1:
            raise bad_request("bot must be known and update an object with one field")
        ((kind, payload),) = update.items()
        return as_json({"ok": True, "update_id": bot.queue.push(kind, payload)})

    # -- events ---------------------------------------------------------------------------------------------------

    async def follow_events(self, request: Request) -> Response:
        """Server-Sent Events; subscribed before the headers leave, so that nothing is missed after them."""
        after = request.query_params.get("after") or request.headers.get("last-event-id")
        subscription = self._services.events.subscribe(
            request.query_params.get("dialog") or None, None if after is None else int(after)
        )
        return StreamingResponse(self._stream(subscription), media_type="text/event-stream")

    async def _stream(self, subscription: Subscription) -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        async for event in self._services.events.follow(subscription, pause_seconds=_HEARTBEAT_SECONDS):
            yield b": \n\n" if event is None else b"id: %d\ndata: %s\n\n" % event

    # -- trouble on request ---------------------------------------------------------------------------------------

    async def add_fault(self, request: Request) -> Response:
        """Plan a fault."""
        return as_json({"id": self._services.faults.add(await _read(request)).id})

    async def clear_faults(self, request: Request) -> Response:
        """No faults any more."""
        self._services.faults.clear()
        return as_json({"ok": True})

    async def configure_flood(self, request: Request) -> Response:
        """Flood control on or off."""
        fields = await _read(request)
        default = FloodLimits()
        limits = FloodLimits(
            per_chat_per_second=float(fields.get("per_chat_per_second") or default.per_chat_per_second),
            per_group_per_minute=int(fields.get("per_group_per_minute") or default.per_group_per_minute),
            per_bot_per_second=int(fields.get("per_bot_per_second") or default.per_bot_per_second),
        )
        self._services.flood.configure(enabled=bool(fields.get("enabled")), limits=limits)
        return as_json({"ok": True})

    async def list_calls(self, request: Request) -> Response:
        """Recent Bot API calls."""
        query = request.query_params
        found = self._services.calls.find(query.get("bot"), query.get("method"), int(query.get("after", 0)))
        return as_json({"calls": [asdict(call) for call in found]})

    async def reset(self, request: Request) -> Response:
        """Empty chats, faults and flood control."""
        self._services.reset()
        return as_json({"ok": True})


async def _read(request: Request) -> Json:
    params = await read_params(request)
    await params.close()
    return params.values


def _get_text(fields: Json, name: str) -> str | None:
    return str(fields.get(name) or "").strip()[:64] or None
