"""Phone numbers and mail addresses as people write them, and in a form that can be compared.

Nothing is added that a text does not contain. A number without a country code is read by the rules of the region of the
bot's owner, and only valid numbers are returned.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

DEFAULT_REGION = "RU"
_LONGEST = 500  # characters of free text that are looked through
# RFC 5321 allows 64 characters before the @ and 254 in all; a domain has a dot here, as nobody mails to a host.
_EMAIL = re.compile(
    r"(?<![^\s<>()\[\],;:\"'])[^\s@<>()\[\],;:\"']{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}", re.UNICODE
)
_LONGEST_EMAIL = 254
_NUMBER = re.compile(r"\+?[\d(][\d\s().~+-]{5,24}\d")
# What people dial before a country's code, in their own country or another: https://www.itu.int/pub/T-SP-E.164C
_EXIT_CODES = ("810", "0011", "011", "009", "00")
# Plans that have changed, and slips: https://en.wikipedia.org/wiki/Telephone_numbers_in_Mexico (_Brazil, _Argentina).
_OLD_FORMS = (
    (re.compile(r"521(\d{10})"), r"+52\1"),  # mobile numbers of Mexico until 2019
    (re.compile(r"520?4[45](\d{10})"), r"+52\1"),
    (re.compile(r"5201(\d{10})"), r"+52\1"),
    (re.compile(r"550?(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),  # mobile numbers of Brazil got a ninth digit by 2016
    (re.compile(r"540?(\d{2,4})15(\d{6,8})"), r"+549\1\2"),  # mobile numbers of Argentina, dialled from inside
    (re.compile(r"39([1-9]\d{6,9})"), r"+390\1"),  # Italy keeps the 0
)
_PLUS_SLIPS = (  # Russia: +8 for +7, and the trunk 8 behind the code
    (re.compile(r"8(9\d{9})"), r"+7\1"),
    (re.compile(r"780?(9\d{9})"), r"+7\1"),
)
_OLD_TRUNKS = {
    "RU": (("0", ""),),
    "UA": (("8", ""),),
    "MX": (("044", ""), ("045", ""), ("01", "")),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """A person's contact data: `phone` in E.164, `email` with its domain in lower case; empty if there is none."""

    phone: str = ""
    email: str = ""


def parse_contact(text: str, region: str = DEFAULT_REGION) -> Contact:
    """Return the first phone and the first mail address that stand in free text."""
    clean = drop_invisible(text[:_LONGEST])
    email = normalise_email(clean)
    # The digits of an address are no phone.
    return Contact(normalise_phone(_EMAIL.sub(" ", clean), region), email)


def normalise_phone(text: str, region: str = DEFAULT_REGION) -> str:
    """Return the first valid phone number of `text` in E.164, or an empty string.

    `region` is an ISO 3166 code (https://github.com/google/libphonenumber): how numbers without a country are read.
    """
    clean = unicodedata.normalize("NFKC", drop_invisible(text[:_LONGEST]))
    whole = _parse_number(clean, region)
    if whole:
        return whole
    for match in phonenumbers.PhoneNumberMatcher(clean, region):
        return str(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164))
    return next(filter(None, (_mend_number(run, region) for run in _NUMBER.findall(clean))), "")


def list_spellings(phone: str, region: str = DEFAULT_REGION) -> frozenset[str]:
    """Return the digits by which people write the first phone of `phone`: with its country, in `region` without it."""
    whole = normalise_phone(phone, region)
    if not whole:
        return frozenset()
    number = phonenumbers.parse(whole)
    local = phonenumbers.national_significant_number(number)
    found = {whole[1:], f"00{whole[1:]}", f"810{whole[1:]}"}
    if number.country_code == phonenumbers.country_code_for_region(region):
        found |= {local, f"{phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ''}{local}"}
    return frozenset(found)


def normalise_email(text: str) -> str:
    """Return the first mail address of `text` without invisible characters, its domain in lower case; else empty."""
    found = _EMAIL.search(unicodedata.normalize("NFC", drop_invisible(text[:_LONGEST])))
    if found is None:
        return ""
    local, _, domain = found.group().rpartition("@")
    local = local.strip(".")
    address = f"{local}@{domain.lower()}"
    return address if local and len(address) <= _LONGEST_EMAIL else ""


def email_key(email: str) -> str:
    """Return the key of a mail address for comparisons: in lower case, because phones capitalise the first letter."""
    return email.lower()


def drop_invisible(text: str) -> str:
    """Return `text` without invisible characters; white space of any kind becomes plain spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_show, text))


def _show(character: str) -> str:
    if character in "\t\n\r":
        return " "
    kind = unicodedata.category(character)
    return " " if kind == "Zs" else "" if kind in {"Cc", "Cf", "Cs", "Co"} else character


def _mend_number(text: str, region: str) -> str:
    """Return the valid number that an outdated or mistaken spelling stands for; empty if there is none."""
    plus, digits = text.lstrip().startswith("+"), "".join(filter(str.isdigit, text))
    return next(filter(None, (_parse_number(one, region) for one in _list_readings(digits, region, plus=plus))), "")


def _list_readings(digits: str, region: str, *, plus: bool) -> Iterator[str]:
    """Yield possible readings of digits, the likeliest first; the caller must test whether they are valid numbers."""
    for code in _EXIT_CODES:
        if digits.startswith(code):
            yield f"+{digits.removeprefix(code)}"
            yield from _rewrite(digits.removeprefix(code), _OLD_FORMS)
    yield from _rewrite(digits, _OLD_FORMS)
    if plus:
        yield from _rewrite(digits, _PLUS_SLIPS)
        return
    yield from _rewrite(f"{phonenumbers.country_code_for_region(region)}{digits}", _OLD_FORMS)
    if trunk := _OLD_TRUNKS.get(region):
        yield from (f"{new}{digits.removeprefix(old)}" for old, new in trunk if digits.startswith(old))


def _rewrite(digits: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """Yield international numbers in today's form."""
    for pattern, form in rules:
        if pattern.fullmatch(digits):
            yield pattern.sub(form, digits)


def _parse_number(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
