from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from beseda.core.errors import SettingsError, UnavailableError
from beseda.llm.base import ChatModel, Measuring, ModelEvent, ModelHealth, ModelRequest, ObservedModel, TextDelta
from beseda.llm.failover import FailoverModel
from beseda.llm.guard import AnswerGuard
from beseda.llm.prices import PriceBook, PriceObserver
from beseda.llm.tokens import CountSource, TokenCount, count_tokens
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedModel


class Counting:
    """A model that counts letters, or is away."""

    def __init__(self, answer: int | None = 7, *, away: bool = False) -> None:
        self._answer = answer
        self._away = away

    @property
    def name(self) -> str:
        return "counting:model"

    @property
    def measuring(self) -> Measuring:
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta("")

    async def check(self) -> ModelHealth:
        return ModelHealth(ok=True, detail="")

    async def close(self) -> None:
        """Nothing is open."""

    async def context_size(self) -> int | None:
        return None

    async def count_tokens(self, text: str) -> int | None:
        if self._away:
            raise UnavailableError("away")
        return self._answer


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "[BOS]": 1, "привет": 2, "мир": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(single="[BOS] $A", special_tokens=[("[BOS]", 1)])
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


async def test_file_stands_above_the_server(vocabulary: Path) -> None:
    counted = await count_tokens("привет мир и всё", tokenizer=vocabulary, model=Counting())

    assert counted == TokenCount(4, CountSource.TOKENIZER)
    assert counted.is_exact


async def test_server_counts_through_all_that_is_around_it() -> None:
    wrapped: ChatModel = ObservedModel(
        ObservedModel(Counting(), partial(PriceObserver, book=PriceBook(["counting:model=1"]))), AnswerGuard
    )

    assert await count_tokens("a", model=FailoverModel([wrapped], ManualClock())) == TokenCount(7, CountSource.SERVER)


@pytest.mark.parametrize("model", [None, ScriptedModel(), Counting(None), Counting(away=True)])
async def test_estimate_is_marked(model: ChatModel | None) -> None:
    counted = await count_tokens("hello world", model=model)

    assert counted == TokenCount(2, CountSource.ESTIMATE)
    assert not counted.is_exact


async def test_invalid_tokenizer_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("{}")
    for name in ("none.json", "odd.json", "."):
        with pytest.raises(SettingsError, match=r"cannot be read|not a tokenizer|not a file"):
            await count_tokens("a", tokenizer=tmp_path / name)
