"""What recognisers invent on silence is dropped, what people say stays."""

import pytest

from beseda.speech.phantoms import drop_phantoms, is_stock_phrase
from beseda.speech.transcript import Segment, Transcript

ALL = [(0.0, 20.0)]


@pytest.mark.parametrize(
    "text",
    [
        "Субтитры сделал DimaTorzok",
        " Субтитры создавал DimaTorzok.",
        "Редактор субтитров А.Синецкая Корректор А.Егорова",
        "Продолжение следует...",
        "Спасибо за просмотр!",
        "Subtitles by the Amara.org community",
        "Thanks for watching!",
        "Thank you.",
    ],
)
def test_known_phrases_are_known(text: str) -> None:
    assert is_stock_phrase(text)
    assert drop_phantoms(Transcript(text), ALL, 20.0).text == ""


@pytest.mark.parametrize(
    "text",
    [
        "Спасибо за помощь, до свидания",
        "Субтитры сделать сможете?",
        "Продолжение следует читать завтра",
        "Thank you for the invoice",
        "Кто делал субтитры к фильму?",
    ],
)
def test_words_of_people_stay(text: str) -> None:
    assert drop_phantoms(Transcript(text), ALL, 20.0).text == text


def test_a_short_thank_you_that_sounds_stays() -> None:
    assert drop_phantoms(Transcript("Thank you."), [(0.2, 1.5)], 2.0).text == "Thank you."


def test_a_credit_at_the_end_of_speech_is_cut_off() -> None:
    said = "Жду вас в пять. Субтитры сделал DimaTorzok"
    assert drop_phantoms(Transcript(said), ALL, 20.0).text == "Жду вас в пять."


def test_segments_in_silence_and_stock_phrases_without_sound_are_dropped() -> None:
    segments = (
        Segment(0.0, 3.0, "Жду вас в пять."),
        Segment(3.0, 9.0, "Я не знаю, что это такое."),
        Segment(9.0, 11.0, "Продолжение следует..."),
        Segment(11.0, 12.0, "Приходите."),
    )
    said = Transcript(" ".join(one.text for one in segments), 12.0, segments)
    left = drop_phantoms(said, [(0.0, 3.2), (11.0, 12.0)], 12.0)
    assert left.text == "Жду вас в пять. Приходите."
    assert [one.start for one in left.segments] == [0.0, 11.0]


def test_segments_without_phantoms_keep_the_services_own_text() -> None:
    said = Transcript("Да,  жду.", 2.0, (Segment(0.0, 1.0, "Да,"), Segment(1.0, 2.0, "жду.")))
    assert drop_phantoms(said, [(0.0, 2.0)], 2.0) == said
