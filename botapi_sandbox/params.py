"""Parameters of a call, however they came: query, form, multipart or JSON (#making-requests)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from botapi_sandbox.files import MAX_UPLOAD_BYTES, ReceivedFile
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.settings import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

    from starlette.datastructures import Headers
    from starlette.requests import Request

_MAX_PLAIN_BODY = 4 * MEBIBYTE
_ENVELOPE = MEBIBYTE  # what a multipart body may have beside its files


class Params:
    """Named values with Telegram's forgiving reading of numbers and booleans, and uploaded files."""

    def __init__(self, values: dict[str, Any], files: dict[str, UploadFile] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def has(self, name: str) -> bool:
        """Whether a parameter was given at all."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """A parameter as text; empty when absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else str(value)

    def required_text(self, name: str) -> str:
        """A parameter that must not be empty; raises ApiRefusalError."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """A number; anything else counts as 0, as in Telegram's server."""
        value = self.text(name).strip()
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            return 0

    def boolean(self, name: str) -> bool:
        """True for true, yes and 1."""
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def decode_json(self, name: str, what: str) -> Any:
        """Return a JSON-serialised parameter, or None.

        Raises ApiRefusalError if it cannot be parsed; the second argument names the object in the error text.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def upload(self, name: str) -> ReceivedFile | None:
        """An uploaded file, under its own name or through `attach://`."""
        file = self.files.get(name)
        reference = self.values.get(name)
        if file is None and isinstance(reference, str) and reference.startswith("attach://"):
            file = self.files.get(reference.removeprefix("attach://"))
        if file is None:
            return None
        return ReceivedFile(file.file, file.size or 0, file.filename or "file", file.content_type or "")

    def describe(self) -> dict[str, Any]:
        """The values for the call log, files by name and size only."""
        shown = dict(self.values)
        shown.update({name: f"<file {file.filename!r}, {file.size} bytes>" for name, file in self.files.items()})
        return shown

    async def close(self) -> None:
        """Let go of temporary files."""
        for file in self.files.values():
            await file.close()


async def read_params(request: Request, *, max_file_bytes: int = MAX_UPLOAD_BYTES) -> Params:
    """Read a request's parameters; raises ApiRefusalError 413 before too much was read, 400 for bad JSON."""
    values: dict[str, Any] = dict(request.query_params)
    if request.method not in {"POST", "PUT"}:
        return Params(values)
    return await read_body(request.headers, request.stream(), values, max_file_bytes=max_file_bytes)


async def read_body(
    headers: Headers,
    chunks: AsyncIterable[bytes],
    values: dict[str, Any],
    *,
    max_file_bytes: int = MAX_UPLOAD_BYTES,
) -> Params:
    """Read the parameters of a body of any of the four kinds, added to the known `values`. Raises as above."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_multipart(headers, _limit(headers, chunks, max_file_bytes + _ENVELOPE), values)
    body = b"".join([chunk async for chunk in _limit(headers, chunks, _MAX_PLAIN_BODY)])
    if kind == "application/json":
        try:
            value = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError:
            raise bad_request("can't parse JSON object") from None
        if not isinstance(value, dict):
            raise bad_request("expected an Object")
        values.update(value)
    elif body:
        values.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1_000))
    return Params(values)


async def _read_multipart(headers: Headers, chunks: AsyncGenerator[bytes, None], values: dict[str, Any]) -> Params:
    parser = MultiPartParser(headers, chunks, max_files=20, max_fields=200, max_part_size=_MAX_PLAIN_BODY)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:  # KeyError: there is no boundary
        raise bad_request(f"can't parse multipart body: {getattr(error, 'message', 'no boundary')}") from error
    files: dict[str, UploadFile] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = value
        else:
            values[name] = value
    return Params(values, files)


async def _limit(headers: Headers, chunks: AsyncIterable[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    refusal = ApiRefusalError(413, "Request Entity Too Large")
    if int(headers.get("content-length") or 0) > limit:
        raise refusal
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        if read > limit:
            raise refusal
        yield chunk
