import pytest

from beseda.llm.token_estimate import estimate_tokens


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog near the river bank.", 11, 18),
        ("Съешь ещё этих мягких французских булок, да выпей чаю.", 17, 28),
        ("你好世界", 4, 4),
        ("😀😀", 3, 6),
        ("مرحبا بالعالم كيف حالك", 9, 18),
        ("2026-11-20 10:46", 5, 9),
        ("def add(a, b):\n    return a + b\n", 9, 18),
    ],
)
def test_estimate_is_near(text: str, low: int, high: int) -> None:
    assert low <= estimate_tokens(text) <= high
