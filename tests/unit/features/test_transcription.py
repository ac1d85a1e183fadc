"""Where to cut, how to put together, what to measure: pure logic over a clock."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.audio.base import AudioSpan, NoRoomError, Recording
from beseda.features.transcription import DiskBudget, TranscriptionProgress, TranscriptionStage
from beseda.features.transcription.cuts import Cut, choose_cut, make_spans, wish_cuts
from beseda.features.transcription.join import Heard, join_parts
from beseda.features.transcription.progress import Reporter
from beseda.speech.base import SpeechLimits
from beseda.speech.transcript import MissedPart, Segment, Transcript, format_time, write_srt
from beseda.testing.clock import ManualClock


@pytest.mark.parametrize(
    ("recording", "limits"),
    [
        (Recording(7200, 21_600_000), SpeechLimits()),
        (Recording(8000, 24_999_999), SpeechLimits()),
        (Recording(1399, 4_000_000), SpeechLimits(max_seconds=1400)),
        (Recording(0.4, 300), SpeechLimits(max_seconds=1400)),
    ],
)
def test_recording_within_the_limits_is_not_cut(recording: Recording, limits: SpeechLimits) -> None:
    assert wish_cuts(recording, limits).places == ()


@given(st.floats(1, 108_000), st.floats(60, 3600), st.integers(1_000_000, 25_000_000))
def test_parts_are_within_the_limits_wherever_the_silences_are(seconds: float, most: float, max_bytes: int) -> None:
    recording, limits = Recording(seconds, int(seconds * 3000)), SpeechLimits(max_bytes, most)
    wish = wish_cuts(recording, limits)
    # The worst case: every other cut as early, and as late, as it may be.
    cuts = [Cut(place + (wish.window if number % 2 else -wish.window), 1.5) for number, place in enumerate(wish.places)]
    spans = make_spans(seconds, cuts)
    assert all(span.seconds <= most + 0.01 and span.seconds * 3000 <= max_bytes + 50 for span in spans)
    assert (spans[0].start, spans[-1].end) == (0, seconds)
    assert all(left.end >= right.start for left, right in pairwise(spans))


@pytest.mark.parametrize(
    ("silences", "cut"),
    [
        ([], Cut(600, 1.5)),
        ([AudioSpan(599, 602)], Cut(600)),
        ([AudioSpan(570, 571), AudioSpan(610, 620)], Cut(610.1)),
        ([AudioSpan(595, 598), AudioSpan(610, 620)], Cut(597.9)),
        ([AudioSpan(600, 600.1)], Cut(600, 1.5)),
    ],
)
def test_cut_is_at_the_nearest_silence(silences: list[AudioSpan], cut: Cut) -> None:
    assert choose_cut(600, silences) == cut


def test_parts_are_joined_with_their_times() -> None:
    parts = [
        Heard(AudioSpan(0, 600), Transcript("Раз.", segments=(Segment(1, 2, "Раз."),))),
        Heard(AudioSpan(600, 1200), Transcript("Два.", segments=(Segment(0.5, 3, "Два."),))),
    ]
    joined = join_parts(parts, 1200)
    assert joined == Transcript("Раз.\n\nДва.", 1200, (Segment(1, 2, "Раз."), Segment(600.5, 603, "Два.")))


def test_words_of_an_overlap_are_written_once() -> None:
    parts = [
        Heard(
            AudioSpan(0, 601), Transcript("и вот мы решили купить", segments=(Segment(590, 600.9, "решили купить"),))
        ),
        Heard(AudioSpan(599.5, 900), Transcript("Решили купить, новый дом", segments=(Segment(0.1, 0.6, "Решили"),))),
    ]
    joined = join_parts(parts, 900)
    assert joined.text == "и вот мы решили купить\n\nновый дом"
    assert [segment.text for segment in joined.segments] == ["решили купить"]


def test_single_common_word_of_an_overlap_may_be_chance() -> None:
    parts = [Heard(AudioSpan(0, 10), Transcript("он и она")), Heard(AudioSpan(9, 20), Transcript("Она ушла"))]
    assert join_parts(parts, 20).text == "он и она\n\nОна ушла"


def test_missed_part_is_marked_by_its_time() -> None:
    parts = [
        Heard(AudioSpan(0, 600), Transcript("Раз.")),
        Heard(AudioSpan(600, 1200), None, "TimedOutError"),
        Heard(AudioSpan(1200, 4000), Transcript("Три.")),
    ]
    joined = join_parts(parts, 4000)
    assert joined.text == "Раз.\n\n[10:00–20:00 …]\n\nТри."
    assert joined.missed == (MissedPart(600, 1200, "TimedOutError"),)


def test_time_left_is_measured_and_not_guessed() -> None:
    clock, told = ManualClock(), list[TranscriptionProgress]()
    reporter = Reporter(clock, told.append, None)
    hear = reporter.prepare(3600)
    clock.shift(10)
    hear(1800)
    meter = reporter.listen(3600, 3)
    clock.shift(60)
    for _ in range(3):
        reporter.finish_part(meter, 1200)
    assert [progress.stage for progress in told] == [TranscriptionStage.PREPARING] * 2 + [
        TranscriptionStage.LISTENING
    ] * 4
    assert [progress.seconds_left for progress in told] == [None, None, None, 120, 30, 0]
    assert [(progress.parts_done, progress.done) for progress in told[2:]] == [(0, 0), (1, 1200), (2, 2400), (3, 3600)]


def test_time_left_uses_the_pace_of_recordings_before() -> None:
    clock, told = ManualClock(), list[TranscriptionProgress]()
    reporter = Reporter(clock, told.append, 0.1)
    hear = reporter.prepare(1000)
    clock.shift(10)
    hear(500)
    reporter.listen(1000, 1)
    assert [progress.seconds_left for progress in told] == [None, 110, 100]


def test_unknown_length_is_no_total() -> None:
    clock, told = ManualClock(), list[TranscriptionProgress]()
    hear = Reporter(clock, told.append, 0.1).prepare(0)
    clock.shift(1)
    hear(500)
    assert told[-1] == TranscriptionProgress(TranscriptionStage.PREPARING, 500, 0)


def test_disk_budget_is_shared_and_given_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, budget = tmp_path_factory.mktemp("room"), DiskBudget(1000, kept_free=0)
    with budget.hold(folder, 600), pytest.raises(NoRoomError, match="600 of 1000 are held"), budget.hold(folder, 600):
        pass
    with budget.hold(folder, 600):
        assert budget.held == 600
    assert budget.held == 0


def test_disk_budget_leaves_the_disk_to_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    budget = DiskBudget(1000, kept_free=10**18)
    with pytest.raises(NoRoomError, match="are free on the disk"), budget.hold(tmp_path_factory.mktemp("room"), 1):
        pass


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00"), (65.9, "01:05"), (3725, "1:02:05"), (-1, "00:00")])
def test_times_are_written_as_people_do(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_subtitles_have_the_form_of_srt() -> None:
    segments = [Segment(0, 1.5, "Раз,\n\nдва"), Segment(2, 2, " "), Segment(3661.25, 3661, "три")]
    assert write_srt(segments) == (
        "1\n00:00:00,000 --> 00:00:01,500\nРаз, два\n\n2\n01:01:01,250 --> 01:01:01,250\nтри\n"
    )
    assert write_srt([]) == ""
