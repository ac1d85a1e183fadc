"""Phones and mail addresses, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.features.leads.contact import (
    Contact,
    drop_invisible,
    email_key,
    list_spellings,
    normalise_email,
    normalise_phone,
    parse_contact,
)

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
    ("text", "region", "phone"),
    [
        ("+52 1 55 1234 5678", "RU", "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("+55 11 98765-4321", "RU", "+5511987654321"),
        ("+55 11 8765-4321", "RU", "+5511987654321"),
        ("(11) 8765-4321", "BR", "+5511987654321"),
        ("+54 11 15 2345 6789", "RU", "+5491123456789"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("+8 912 345 67 89", "RU", "+79123456789"),
        ("+7 8 912 345 67 89", "RU", "+79123456789"),
        ("0 912 345 67 89", "RU", "+79123456789"),
        ("мой: +8 (912) 345-67-89, звоните", "RU", "+79123456789"),
        ("8~10 49 30 901820", "RU", "+4930901820"),
        ("00 49 30 901820", "RU", "+4930901820"),
        ("011 49 30 901820", "RU", "+4930901820"),
        ("+00 49 30 901820", "RU", "+4930901820"),
        ("0011 49 30 901820", "AU", "+4930901820"),
        ("00 52 1 55 1234 5678", "RU", "+525512345678"),
        ("8 050 123 45 67", "UA", "+380501234567"),
        ("+39 6 6982 1234", "RU", "+390669821234"),
    ],
)
def test_phone_of_an_older_plan_or_with_a_usual_slip_is_the_same_number(text: str, region: str, phone: str) -> None:
    assert normalise_phone(text, region) == phone


@pytest.mark.parametrize("text", ["заказ 1234567890", "0000000000", "карта 4276 1234 5678 9012", "ИНН 7707083893"])
def test_other_numbers_are_no_phones(text: str) -> None:
    assert normalise_phone(text, "RU") == ""


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


def test_free_text_is_looked_through_for_500_characters() -> None:
    mail = "anya@mail.ru"
    assert normalise_phone("x" * 487 + " " + PHONE) == PHONE
    assert normalise_phone("x" * 488 + " " + PHONE) == ""
    assert normalise_email("x" * 487 + " " + mail) == mail
    assert normalise_email("x" * 488 + " " + mail) == ""
    assert parse_contact("x" * 487 + " " + mail) == Contact("", mail)
    assert parse_contact("x" * 488 + " " + mail) == Contact()


@pytest.mark.parametrize(("local", "length"), [(61, 253), (62, 254), (63, 0)])
def test_mail_address_has_254_characters_at_most(local: int, length: int) -> None:
    domain = ".".join(["d" * 62] * 3) + ".ru"
    assert len(normalise_email("a" * local + "@" + domain)) == length


@pytest.mark.parametrize(
    ("text", "email"), [(".@mail.ru", ""), (".anya.@mail.ru", "anya@mail.ru"), ("a@mail.ru b@mail.ru", "a@mail.ru")]
)
def test_mail_address_begins_and_ends_with_no_dot(text: str, email: str) -> None:
    assert normalise_email(text) == email


def test_mail_addresses_are_compared_without_case() -> None:
    assert email_key("Anya@Mail.RU") == "anya@mail.ru"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("a\tb\nc\rd", "a b c d"),
        ("a\u00a0b\u3000c", "a b c"),
        ("a\u200bb\x00c\ue000d", "abcd"),
        ("a\x00b", "ab"),
        ("жё", "жё"),
    ],
)
def test_unseen_value_is_dropped(text: str, shown: str) -> None:
    assert drop_invisible(text) == shown


@pytest.mark.parametrize(
    ("phone", "region", "spellings"),
    [
        (PHONE, "RU", {"79991234567", "0079991234567", "81079991234567", "89991234567", "9991234567"}),
        (PHONE, "DE", {"79991234567", "0079991234567", "81079991234567"}),
        ("+4930901820", "DE", {"4930901820", "004930901820", "8104930901820", "30901820", "030901820"}),
        ("нет", "RU", set()),
    ],
)
def test_phone_is_written_with_its_country_or_inside_it(phone: str, region: str, spellings: set[str]) -> None:
    assert list_spellings(phone, region) == spellings


def test_first_of_two_phones_is_the_contact() -> None:
    assert normalise_phone("звоните +7 999 123-45-67 или +7 999 765-43-21") == PHONE
    assert normalise_phone("заказ 12345 и 8 050 123 45 67", "UA") == "+380501234567"
    assert normalise_phone("9991234567") == PHONE  # the usual region is Russia
