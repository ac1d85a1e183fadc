"""The wire to a Bot API server: one method call, one JSON answer, one error of our tree.

Facts about the protocol: https://core.telegram.org/bots/api#making-requests
"""

import asyncio
import io
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import aiohttp
import orjson

from beseda.core.errors import (
    FileTooLargeError,
    TelegramConflictError,
    TelegramError,
    TelegramFloodError,
    TelegramForbiddenError,
    TelegramRefusedError,
    TelegramUnansweredError,
    TelegramUnauthorizedError,
    TelegramUnavailableError,
    ToolError,
)
from beseda.core.foreign_json import load_json
from beseda.http.client import open_session
from beseda.http.proxies import find_proxy
from beseda.telegram.refusals import Refusal, classify

log = logging.getLogger(__name__)

OFFICIAL_SERVER = "https://api.telegram.org"
DOWNLOAD_LIMIT = 20 * 1024 * 1024  # bytes a bot may fetch: https://core.telegram.org/bots/api#getfile
LOCAL_LIMIT = 2000 * 1024 * 1024  # bytes over a server of one's own: #using-a-local-bot-api-server
_ANSWER_LIMIT = 32 * 1024 * 1024  # bytes: 100 updates of the largest kind stay far below it
_CHUNK = 64 * 1024
_CONNECT = 10.0  # seconds for a connection, waiting for a free one included; a call that fails until then was not sent
_LATE = 5.0  # seconds within which a call may take effect after its connection was lost
_GATEWAY = {502, 504}  # a proxy before the server: the call may have reached it
_JSON = {"Content-Type": "application/json"}

_KINDS: dict[int, type[TelegramError]] = {
    401: TelegramUnauthorizedError,
    403: TelegramForbiddenError,
    409: TelegramConflictError,
    429: TelegramFloodError,
}
_LARGER_FILES = "a Bot API server of your own (TELEGRAM_API_URL) hands out larger files"


class _MovedError(TelegramRefusedError):
    """The group has become a supergroup, and that is another chat."""

    def __init__(self, method: str, code: int, description: str, *, chat_id: int) -> None:
        super().__init__(method, code, description)
        self.chat_id = chat_id


class OversizedFileError(FileTooLargeError):
    """A file beyond a limit that is not the public Bot API server's."""


class UnsharedFileError(TelegramError):
    """A local Bot API server names a path that this process cannot read: its folder is not shared."""

    retryable = False


class BotApi:
    """One bot's connection to a Bot API server. Use it as an async context manager, or `close()` it.

    The token is part of every address, so no error of the HTTP library is let through: they quote addresses.
    """

    def __init__(
        self, token: str, *, server: str = OFFICIAL_SERVER, timeout: float = 30.0, connections: int = 1000
    ) -> None:
        self._official = server.rstrip("/") == OFFICIAL_SERVER
        self._token = token
        self._methods = f"{server.rstrip('/')}/bot{token}/"
        self._files = f"{server.rstrip('/')}/file/bot{token}/"
        self._timeout = timeout
        self._connections = connections
        find_proxy(server)  # one that cannot be used is a wrong setting of the start, not of the first call
        self._opened: aiohttp.ClientSession | None = None
        self._moved: dict[object, int] = {}  # groups that became supergroups: the number each has now

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def call(self, method: str, /, *, patience: float | None = None, **params: Any) -> Any:
        """Call a Bot API method and return its result; parameters that are None are left out.

        `patience` is the seconds to wait for the answer. A group that has become a supergroup is followed to its new
        number (https://core.telegram.org/bots/api#responseparameters). Raises a leaf of TelegramError.
        """
        return await self._request(method, patience or self._timeout, params)

    async def upload(self, method: str, files: Mapping[str, tuple[str, bytes]], **params: str | int | None) -> Any:
        """Call a method that takes files: by the name of their field, our name for each and its bytes."""
        return await self._request(method, self._timeout * 4, params, files)

    async def _request(
        self,
        method: str,
        patience: float,
        params: dict[str, Any],
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> Any:
        """Make a call. If its group has moved, make it once more, and remember the group's new number."""
        chat_id = params.get("chat_id")
        if chat_id in self._moved:
            params["chat_id"] = self._moved[chat_id]
        try:
            return await self._post(method, patience, **_encode(params, files))
        except _MovedError as error:
            params["chat_id"] = self._moved[chat_id] = error.chat_id
            return await self._post(method, patience, **_encode(params, files))

    @property
    def download_limit(self) -> int:
        """The largest file, in bytes, that may be downloaded from this server; higher for a self-hosted server."""
        return DOWNLOAD_LIMIT if self._official else LOCAL_LIMIT

    def check_size(self, size: int, limit: int | None = None) -> None:
        """Raise FileTooLargeError for a file beyond `limit`, by default the download limit of this server."""
        most = self.download_limit if limit is None else limit
        if size > most:
            kind = FileTooLargeError if most == DOWNLOAD_LIMIT else OversizedFileError
            # For the owner, in the log: the person who sent the file cannot change the server.
            hint = f"; {_LARGER_FILES}" if most == DOWNLOAD_LIMIT else ""
            raise kind(f"{size} bytes, and {most} are taken{hint}")

    async def download(self, file_id: str, target: Path, *, limit: int | None = None) -> int:
        """Download a file that a person sent into `target` and return its size in bytes.

        Raise FileTooLargeError beyond `limit` (by default that of the server), and UnsharedFileError if a local server
        names a path that cannot be read here. No half-written file is left behind.
        """
        path = await self._locate(file_id, limit)
        try:
            if self._is_local(path):
                return await asyncio.to_thread(self._copy, Path(path), target, limit)
            return await self._fetch(self._files + path, target, limit)
        except BaseException:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise

    async def peek(self, file_id: str, size: int) -> bytes:
        """Return the first `size` bytes of a file, or all if it is shorter. Raise as `download` does."""
        path = await self._locate(file_id, None)
        if self._is_local(path):
            with await asyncio.to_thread(self._open_shared, Path(path)) as file:
                return await asyncio.to_thread(file.read, size)
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with self._session.get(self._files + path, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise _KINDS.get(response.status, TelegramUnavailableError)("file", response.status, "no file")
                head = await response.content.read(size)
                response.close()  # the rest of the file is not wanted
                return head
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TelegramUnavailableError("file", description=type(error).__name__) from None

    async def _locate(self, file_id: str, limit: int | None) -> str:
        try:
            found = await self.call("getFile", file_id=file_id)
        except TelegramRefusedError as error:
            if classify(error) is Refusal.FILE_SIZE:
                raise FileTooLargeError(f"{error.detail}; {_LARGER_FILES}") from error
            raise
        self.check_size(found.get("file_size", 0), limit)
        return str(found["file_path"])

    def _is_local(self, path: str) -> bool:
        """Return whether a path is one of a disk that a server of one's own, run with --local, shares with us."""
        return path.startswith("/") and not self._official

    def _copy(self, source: Path, target: Path, limit: int | None) -> int:
        with self._open_shared(source) as file:
            size = os.fstat(file.fileno()).st_size
            self.check_size(size, limit)
            try:
                with target.open("wb") as sink:
                    shutil.copyfileobj(file, sink)
            except OSError as error:
                raise ToolError(f"{target.name} cannot be written: {error.strerror or error}") from error
        return size

    def _open_shared(self, source: Path) -> BinaryIO:
        """Open a file of the local server; a path that cannot be opened is a fault of the set-up, for the owner."""
        try:
            return source.open("rb")
        except OSError as error:
            shown = str(source).replace(self._token, "<token>")
            detail = (
                f"the Bot API server names {shown}, and that cannot be read here ({error.strerror or error}): "
                "share the folder with this process, under the same path and readable"
            )
            log.warning("%s", detail)
            raise UnsharedFileError(description=detail) from None

    async def close(self) -> None:
        """Give back the connections."""
        if self._opened is not None:
            await self._opened.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=300, keepalive_timeout=60)
            self._opened = open_session(connector=connector)
        return self._opened

    async def _post(self, method: str, patience: float, **request: Any) -> Any:
        try:
            async with self._session.post(
                self._methods + method,
                timeout=aiohttp.ClientTimeout(patience, connect=min(_CONNECT, 0.9 * patience), sock_connect=_CONNECT),
                allow_redirects=False,
                **request,
            ) as response:
                return _result(method, response.status, await _read_answer(method, response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise TelegramUnavailableError(method, description=type(error).__name__) from None
        except TimeoutError:
            raise TelegramUnansweredError(method, description=f"no answer within {patience:g} s") from None
        except aiohttp.ClientError as error:
            raise TelegramUnansweredError(method, description=type(error).__name__, retry_after=_LATE) from None

    async def _fetch(self, address: str, target: Path, limit: int | None) -> int:
        size = 0
        timeout = aiohttp.ClientTimeout(total=self._timeout * 10, sock_read=self._timeout)
        try:
            async with self._session.get(address, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise _KINDS.get(response.status, TelegramUnavailableError)("file", response.status, "no file")
                with await asyncio.to_thread(target.open, "wb") as sink:
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        size += len(chunk)
                        self.check_size(size, limit)
                        await asyncio.to_thread(sink.write, chunk)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TelegramUnavailableError("file", description=type(error).__name__) from None
        except OSError as error:
            raise ToolError(f"{target.name} cannot be written: {error.strerror or error}") from error
        return size


def _encode(params: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]] | None) -> dict[str, Any]:
    """Return the body and the headers of a call: JSON, or a form if there are files."""
    given = {name: value for name, value in params.items() if value is not None}
    if files is None:
        return {"data": orjson.dumps(given), "headers": _JSON}
    form = aiohttp.FormData({name: str(value) for name, value in given.items()}, quote_fields=False)
    for field, (name, data) in files.items():
        # As a stream: aiohttp warns of large bodies given as bytes.
        form.add_field(field, io.BytesIO(data), filename=name, content_type="application/octet-stream")
    return {"data": form}


async def _read_answer(method: str, response: aiohttp.ClientResponse) -> bytes:
    """Return the body, which no server may make larger than anything Telegram sends."""
    if response.content_length is not None and response.content_length <= _ANSWER_LIMIT:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _ANSWER_LIMIT:
            response.close()
            problem = f"an answer of more than {_ANSWER_LIMIT} bytes"
            raise TelegramUnansweredError(method, description=problem, retry_after=_LATE)
    return bytes(body)


def _result(method: str, status: int, body: bytes) -> Any:
    try:
        answer = load_json(body)
        if answer["ok"]:
            return answer["result"]
        code = int(answer.get("error_code", status))
        description = str(answer.get("description", ""))
        parameters = answer.get("parameters") or {}
    except (KeyError, TypeError, ValueError):
        problem = "without a Bot API answer"
        if status in _KINDS or status == 503:  # a proxy without a server behind it
            raise _KINDS.get(status, TelegramUnavailableError)(method, status, problem) from None
        raise TelegramUnansweredError(method, status, problem, retry_after=_LATE) from None
    if type(moved := parameters.get("migrate_to_chat_id")) is int:
        raise _MovedError(method, code, description, chat_id=moved)
    if code in _GATEWAY:
        raise TelegramUnansweredError(method, code, description, retry_after=_LATE)
    default = TelegramUnavailableError if code >= 500 else TelegramRefusedError
    raise _KINDS.get(code, default)(method, code, description, retry_after=parameters.get("retry_after"))
