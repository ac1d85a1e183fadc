"""Finding quotes in a text, telling invented names, reading files of any encoding."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.core.errors import InputError, TextTooLongError, UnreadableTextError
from beseda.features.minutes import MAX_TEXT_BYTES, read_text
from beseda.features.minutes.layout import clean_speech
from beseda.features.minutes.source import NumberedText, estimate
from beseda.locales.errors import explain
from beseda.speech.transcript import Segment, Transcript

TEXT = "Пётр сказал: «Купим сервер».\n\nМария Ивановна подготовит отчёт к 15 мая.\nOK, let's ship it on Friday!"
PROSE = "Привет! Это обычный русский текст — с тире, «кавычками» и цифрами 123. " * 3


@pytest.mark.parametrize(
    ("quote", "number"),
    [
        ("петр сказал купим сервер", 1),
        ("Мария Ивановна подготовит отчет", 2),
        ("let's ship it", 3),
        ("Купим сервер». Мария", 1),
        ("Мария Ивановна … к 15 мая", 2),
        ("Мария Ивановна купит отчёт", None),
        ("Иван подготовит", None),
        ("мая", None),
        ("ария Ивановна подготовит", None),
        ("", None),
        ("…", None),
    ],
)
def test_find_quote(quote: str, number: int | None) -> None:
    found = NumberedText(Transcript(TEXT)).find(quote)
    assert (found.number if found else None) == number


def test_find_quote_that_occurs_more_than_once() -> None:
    source = NumberedText(Transcript("Так и решили, да.\nПауза.\nТак и решили, да."))
    found = [source.find("так и решили", near) for near in (None, *source.passages)]
    assert [passage.number for passage in found if passage] == [1, 1, 3, 3]


@pytest.mark.parametrize("value", ["Пётр", "Петру", "Марии Ивановне", "15 мая", "Friday", "к 15 мая"])
def test_mentions_words_in_any_case(value: str) -> None:
    assert NumberedText(Transcript(TEXT)).mentions(value)


@pytest.mark.parametrize("value", ["Сидоров", "16 мая", "Мария Сидорова", "", "—", "2026"])
def test_does_not_mention_absent_words(value: str) -> None:
    assert not NumberedText(Transcript(TEXT)).mentions(value)


@given(st.text())
def test_chunks_hold_every_word(text: str) -> None:
    source = NumberedText(Transcript(text))
    chunks = source.chunk(50)
    assert [passage for chunk in chunks for passage in chunk] == source.passages
    assert "".join("".join(passage.text for passage in source.passages).split()) == "".join(text.split())
    assert all(len(passage.text) <= 800 for passage in source.passages)


def test_segments_become_passages_at_pauses() -> None:
    segments = (Segment(0, 1, "Раз"), Segment(1.2, 2, "два."), Segment(5, 6, "Три."), Segment(6, 7, "а" * 790))
    passages = NumberedText(Transcript("", segments=segments)).passages
    assert [(passage.start, passage.text[:8]) for passage in passages] == [(0, "Раз два."), (5, "Три. ааа")]
    assert [passage.place("ru") for passage in passages] == ["00:00", "00:05"]


def test_written_text_has_paragraphs_for_places() -> None:
    passages = NumberedText(Transcript("Раз.\n\nДва. " + "Три. " * 300)).passages
    assert passages[0].place("en") == "para. 1"
    assert len(passages) == 3


def test_estimate_is_rather_too_many() -> None:
    assert estimate("Привет, мир! " * 100) >= 1300 / 2.5
    assert estimate("hello world " * 100) >= 1200 / 5.4


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("Э-э, добрый день", "Добрый день"),
        ("Ну, эм, я думаю, э-э, да.", "Ну, я думаю, да."),
        ("Um, well, uh we agreed", "Well, we agreed"),
        ("Эмма и хмель, мм-да", "Эмма и хмель, мм-да"),
        ("Э-э", ""),
    ],
)
def test_speech_is_cleaned_lightly(said: str, clean: str) -> None:
    assert clean_speech(said) == clean


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "utf-32"])
def test_russian_text_in_any_encoding(encoding: str) -> None:
    assert read_text(PROSE.encode(encoding)) == PROSE.strip()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1251"])
def test_english_text_in_any_encoding(encoding: str) -> None:
    assert read_text(b"Hello, world.\r\nBye.".decode().encode(encoding)) == "Hello, world.\nBye."


def test_text_cut_in_the_middle_of_a_letter_is_taken() -> None:
    assert read_text("Привет".encode()[:-1]) == "Приве"


BINARY = {
    "empty": b"",
    "blank": b" \n\t",
    "zip": b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 4,
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "ogg": b"OggS\x00\x02" + bytes(range(256)) * 3,
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Length 5>>stream\n\x00\x01\x9c\xff\nendstream",
    "rtf": b"{\\rtf1\\ansi Hello}",
    "koi8": PROSE.replace("—", "-").replace("«", '"').replace("»", '"').encode("koi8-r"),
    "latin": "Grüße aus Köln, schöne Tage".encode("latin-1"),
    "odd utf-16": "\ufeffПривет".encode("utf-16-le")[:-1],
    "controls": b"hello\x07world",
}


@pytest.mark.parametrize("content", BINARY.values(), ids=BINARY.keys())
def test_invalid_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableTextError) as caught:
        read_text(content)
    assert "UTF-8" in explain(caught.value, "ru")


@pytest.mark.parametrize("content", [b"a" * (MAX_TEXT_BYTES + 1), b"a " * 600_000])
def test_too_much_text_is_refused(content: bytes) -> None:
    with pytest.raises(TextTooLongError):
        read_text(content)


@given(st.binary(max_size=600))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    with contextlib.suppress(InputError):
        assert read_text(content)
