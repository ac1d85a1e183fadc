"""A scripted GigaChat: tokens for a key, the rules for system messages and streams, counts of tokens.

Written after developers.sber.ru and the vendor's SDK, which reads the same in the contract tests.
"""

import asyncio
import base64
import time
import uuid
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.parts.model_server import ModelServer, RecordedRequest, Reply, answer_json, build_chunk, count_usage

GIGA_KEY = base64.b64encode(b"client-id:client-secret").decode()
TOKEN_SECONDS = 1800


class GigaChatServer(ModelServer):
    """The server. `expires` is `ms` or `s`; `scope` is whose key it is; `revoke()` makes every token worthless."""

    def __init__(self, *, streams: int = 1, scope: str = "GIGACHAT_API_PERS") -> None:
        super().__init__()
        self.streams = streams
        self.scope = scope
        self.expires = "ms"
        self.token_seconds = TOKEN_SECONDS
        self.token_delay = 0.0
        self.token_reply: Reply | None = None
        self.token_requests: list[dict[str, str]] = []
        self.counted: list[list[str]] = []
        self.busiest = 0
        self._good_token = ""
        self._running = 0

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def auth_url(self) -> str:
        return f"{self.url}/api/v2/oauth"

    def key_sent(self, key: str) -> str:
        return self._good_token

    def revoke(self) -> None:
        """End every token, as the service may do before its time."""
        self._good_token = "none"

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/v2/oauth", self._give_token)
        router.add_post("/api/v1/tokens/count", self._count)
        super()._add_routes(router)

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        sent = {"scope": str(form.get("scope", "")), **request.headers}
        self.token_requests.append(sent)
        await asyncio.sleep(self.token_delay)
        if self.token_reply is not None:
            return web.Response(
                status=self.token_reply.status, body=self.token_reply.body, content_type="application/json"
            )
        if uuid.UUID(sent["RqUID"]).version != 4:
            return web.json_response({"code": 1, "message": "Missing header 'RqUID'"}, status=400)
        if sent["Authorization"] != f"Basic {self.api_key or GIGA_KEY}":
            return web.json_response({"code": 6, "message": "credentials doesn't match db data"}, status=401)
        if sent["scope"] != self.scope:
            message = "scope from db not fully includes consumed scope"
            return web.json_response({"code": 7, "message": message}, status=400)
        self._good_token = f"token-{len(self.token_requests)}"
        end = int(time.time()) + self.token_seconds
        return web.json_response(
            {"access_token": self._good_token, "expires_at": end * 1000 if self.expires == "ms" else end}
        )

    async def _count(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._good_token}":
            return web.json_response({"status": 401, "message": "Unauthorized"}, status=401)
        texts = (await request.json())["input"]
        self.counted.append(texts)
        return web.json_response(
            [{"object": "tokens", "tokens": len(text) // 4 + 1, "characters": len(text)} for text in texts]
        )

    def _refuse(self, request: RecordedRequest) -> Reply | None:
        if request.headers.get("Authorization") != f"Bearer {self._good_token}":
            return answer_json({"status": 401, "message": "Unauthorized"}, 401)
        roles = [message["role"] for message in request.body.get("messages", ())]
        if "system" in roles[1:]:
            return answer_json({"status": 422, "message": "Invalid params: system message must be the first"}, 422)
        return None

    async def _reply(self, request: web.Request, recorded: RecordedRequest, reply: Reply) -> web.StreamResponse:
        self._running += 1
        self.busiest = max(self.busiest, self._running)
        try:
            if self._running > self.streams:
                reply = answer_json({"status": 429, "message": "Too Many Requests"}, 429)
            return await super()._reply(request, recorded, reply)
        finally:
            self._running -= 1

    def _list_ending(self, reply: Reply) -> Iterator[bytes]:
        """The last chunk holds reason and usage, which nobody has to ask for."""
        usage: dict[str, Any] | None = count_usage(reply.usage) if reply.usage else None
        if usage is not None and reply.cost is not None:
            usage["cost"] = reply.cost
        if reply.finish is not None or usage is not None:
            yield build_chunk(delta={"content": ""}, finish_reason=reply.finish, usage=usage)
        if reply.done:
            yield b"data: [DONE]\n\n"
