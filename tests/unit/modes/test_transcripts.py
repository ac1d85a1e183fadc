"""What modes share: subtitles read back, progress and sizes in words."""

import pytest

from beseda.engine.handlers.history import write_size
from beseda.modes._sending import tell_left
from beseda.modes._transcripts import read_srt
from beseda.speech.transcript import Segment, write_srt


def test_subtitles_are_read_back_as_they_were_written() -> None:
    segments = (Segment(0.5, 3.25, "Решили"), Segment(3661.001, 3662, "купить -- чайник: 00:00 --> 00:01"))
    assert read_srt(write_srt(segments)) == segments


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (1.0, "осталось примерно 5 с"), (62, "осталось примерно 60 с"), (150, "осталось примерно 2 мин")],
)
def test_time_left_is_rounded_to_its_certainty(seconds: float | None, text: str) -> None:
    assert tell_left(seconds, "ru") == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (20 * 1024**2, "20 MB"), (1024**4, "1024 GB")]
)
def test_size_is_written_for_people(size: int, text: str) -> None:
    assert write_size(size, "en") == text
