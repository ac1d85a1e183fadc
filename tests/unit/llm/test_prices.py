from functools import partial

import pytest

from beseda.core.errors import SettingsError
from beseda.core.usage import Usage
from beseda.llm.base import Finished, FinishReason, ObservedModel
from beseda.llm.prices import Price, PriceBook, PriceObserver, add_cost
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.model_events import listen


def test_cost_is_by_the_million() -> None:
    assert Price(2, 8).cost(Usage(500_000, 250_000)) == 3


def test_book_knows_names_with_anything_in_them() -> None:
    book = PriceBook(["a:maker/model-2.5:free=0/0", "b:x=y=1.5"])

    assert book.find("nothing", "a:maker/model-2.5:free") == Price(0, 0)
    assert book.find("b:x=y") == Price(1.5, 1.5)
    assert book.find("a:other") is None


@pytest.mark.parametrize("entry", ["", "a:b", "a:b=", "a:b=x/1", "a:b=-1/1", "a:b=1/nan", "a:b=inf", "ab=1/2", "=1"])
def test_wrong_entry_is_reported(entry: str) -> None:
    with pytest.raises(SettingsError, match="BESEDA_PRICES"):
        PriceBook([entry])


async def test_answer_is_priced() -> None:
    model = ScriptedModel(name="a:b", fallback=ScriptedAnswer(pieces=("Hel", "lo")))
    end = (await listen(ObservedModel(model, partial(PriceObserver, book=PriceBook(["a:b=1000000/0"]))))).end

    assert end.usage.cost == end.usage.prompt_tokens


@pytest.mark.parametrize(
    ("told", "price", "cost"), [(0.5, Price(1, 1), 0.5), (None, None, None), (0.0, Price(1, 1), 0)]
)
def test_message_of_the_endpoint_stays(told: float | None, price: Price | None, cost: float | None) -> None:
    end = Finished(FinishReason.STOP, Usage(1, 1, told), "a", "b")

    assert add_cost(end, price).usage.cost == cost
