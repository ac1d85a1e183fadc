"""Number of tokens of a text: exact if a tokenizer or server can count, else an estimate, with its source."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from beseda.core.errors import RemoteError, SettingsError
from beseda.llm.base import ChatModel, find_measuring
from beseda.llm.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger(__name__)

_LARGEST_FILE = 100 * 1024 * 1024  # bytes; the vocabularies of today are 2 to 20 MB


class CountSource(StrEnum):
    """Source of a token count."""

    TOKENIZER = "tokenizer"
    SERVER = "server"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A number of tokens and its source. Special tokens and chat templates are not included."""

    tokens: int
    source: CountSource

    @property
    def is_exact(self) -> bool:
        return self.source is not CountSource.ESTIMATE


async def count_tokens(text: str, *, tokenizer: Path | None = None, model: ChatModel | None = None) -> TokenCount:
    """Return the tokens of `text`, counted by a `tokenizer.json`, else by the model's server, else by an estimate.

    Raises SettingsError for a file that is no tokenizer. A server that does not answer is skipped.
    """
    if tokenizer is not None:
        return TokenCount(await asyncio.to_thread(_count_by_file, text, tokenizer), CountSource.TOKENIZER)
    measuring = find_measuring(model) if model is not None else None
    if measuring is not None:
        try:
            if (count := await measuring.count_tokens(text)) is not None:
                return TokenCount(count, CountSource.SERVER)
        except RemoteError as error:
            logger.info("the server does not count: %s", error.detail)
    return TokenCount(estimate_tokens(text), CountSource.ESTIMATE)


def _count_by_file(text: str, path: Path) -> int:
    try:
        facts = path.stat()
        if not path.is_file():
            raise SettingsError(f"{path} is not a file; a tokenizer.json is wanted")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    if facts.st_size > _LARGEST_FILE:
        raise SettingsError(f"{path} is over 100 MB: no tokenizer.json is that large")
    return len(_load(path, facts.st_mtime_ns).encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int) -> "Tokenizer":
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra that most do not need
    except ImportError:
        raise SettingsError("counting by a tokenizer.json needs a library: .venv/bin/pip install tokenizers") from None
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more exact
        raise SettingsError(f"{path} is not a tokenizer.json: {str(error)[:200]}") from None
