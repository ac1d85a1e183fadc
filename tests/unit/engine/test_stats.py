"""How `/stats` writes amounts."""

import pytest

from beseda.engine.handlers.stats import write_amount
from beseda.engine.usage.budget import Unit


@pytest.mark.parametrize(
    ("amount", "unit", "written"),
    [
        (10_000, Unit.TOKENS, "10 000"),
        (90, Unit.SPEECH, "1.5"),
        (60, Unit.SPEECH, "1"),
        (2000 * 60, Unit.SPEECH, "2 000"),
        (1999 * 60 + 30, Unit.SPEECH, "2 000"),
        (59, Unit.SPEECH, "1.0"),
        (0, Unit.PICTURES, "0"),
    ],
)
def test_amount_is_written_for_people(amount: int, unit: Unit, written: str) -> None:
    assert write_amount(amount, unit) == written
