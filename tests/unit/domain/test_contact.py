"""Phones and mail addresses, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.domain.contact import Contact, drop_invisible, normalise_email, normalise_phone, parse_contact

PHONE = "+79991234567"


@pytest.mark.parametrize(
    "text",
    [
        "8 (999) 123-45-67",
        "+7 999 123 45 67",
        "7 999 123-45-67",
        "9991234567",
        "тел.: 8-999-123-45-67, звоните вечером",
        "8\u00a0999\u2009123\u201145\u201167",
        "\u202a+7 (999) 123-45-67\u202c",
        "+７ ９９９ １２３ ４５ ６７",
    ],
)
def test_phone_is_one_however_it_is_written(text: str) -> None:
    assert normalise_phone(text) == PHONE


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 20 7946 0958", "RU", "+442079460958"),
        ("8 701 234 56 78", "KZ", "+77012345678"),
        ("12345", "RU", ""),
        ("позвоните мне", "RU", ""),
        ("20.11.2026", "RU", ""),
        ("", "RU", ""),
        ("+7 000 000-00-00", "RU", ""),
        ("9" * 5000, "RU", ""),
    ],
)
def test_phone_is_read_by_region_and_never_made_up(text: str, region: str, phone: str) -> None:
    assert normalise_phone(text, region) == phone


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Anya@Mail.RU", "Anya@mail.ru"),
        ("пишите: anya@mail.ru.", "anya@mail.ru"),
        ("<anya+x@sub.mail.ru>", "anya+x@sub.mail.ru"),
        ("an\u200bya@mail.ru", "anya@mail.ru"),
        ("почта@Пример.РФ", "почта@пример.рф"),
        ("anya@localhost", ""),
        ("anya собака mail точка ru", ""),
        ("@anya", ""),
        ("a" * 300 + "@mail.ru", ""),
    ],
)
def test_mail_address_is_found_and_tidied(text: str, email: str) -> None:
    assert normalise_email(text) == email


def test_contact_holds_both() -> None:
    assert parse_contact("8 999 123-45-67 или anya2026@Mail.ru") == Contact(PHONE, "anya2026@mail.ru")
    assert parse_contact("1234567890123@mail.ru") == Contact("", "1234567890123@mail.ru")
    assert parse_contact("@anya в телеграме") == Contact()


@given(st.text(max_size=300))
def test_contact_of_any_text_is_normal_already(text: str) -> None:
    found = parse_contact(text)
    assert normalise_phone(found.phone) == found.phone
    assert normalise_email(found.email) == found.email


@given(st.text(max_size=300))
def test_nothing_in_a_contact_is_made_up(text: str) -> None:
    found = parse_contact(text)
    digits = [character for character in text if character.isdigit()]
    assert len(found.phone) <= len(digits) + 3
    assert found.email.partition("@")[0] in drop_invisible(text) or not found.email.isascii()
