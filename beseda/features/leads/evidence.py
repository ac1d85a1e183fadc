"""Test whether a value that a model claims to have read stands in the person's message.

Models sometimes invent phone numbers and names. Therefore numbers are compared by their digits, names and addresses by
their words, in the case endings of Russian as well. The quote has to stand in the message, apart from case, white space
and kinds of quotes and dashes. A retold value (a problem, a goal) is proven by its quote, but the numbers and names in
it have to stand in the message too.
"""

import re
import unicodedata

from beseda.features.leads.amount import find_amounts, read_amounts
from beseda.features.leads.contact import (
    DEFAULT_REGION,
    drop_invisible,
    email_key,
    list_spellings,
    normalise_email,
    normalise_phone,
)
from beseda.features.leads.model import Finding

LONGEST_VALUE = 1000
_LONGEST_QUOTE = 4096
_SLOT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WORD = re.compile(r"[^\W\d_]+")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"']+@[\w.-]+\w")
_PHONE = re.compile(r"\+?\d[\d\s().~-]{5,}\d")
_SENTENCE_END = re.compile(r"(^|[.!?…:;\n])[\s\"'(-]*$")
_FOLDS = str.maketrans(
    {"ё": "е", "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "’": "'", "–": "-", "—": "-", "‑": "-", "−": "-"}
)
# Slots whose every word is part of a name: of a person, a firm, a place.
_NAMES = frozenset(
    {"name", "full_name", "surname", "company", "contact", "phone", "email", "city", "address", "district", "location"}
)
# Words of addresses and firms that people leave out and models put in.
_FILLERS = frozenset(
    _WORD.findall(
        "г гор город ул улица д дом кв квартира пр просп проспект пер переулок пл площадь р район обл область стр корп "
        "корпус оф офис ооо оао зао ао ип llc ltd inc co street st city apt"
    )
)
_ENDINGS = frozenset(
    _WORD.findall(
        "а я у ю ы и е о ь й ой ей ою ею ью ом ем ам ям ами ями ах ях ого его ому ему ым им ых их ыми ими ый ий ая яя "
        "ую юю ое ее ия ию ии ией ием s"
    )
) | {""}
_SHORTEST_STEM = 3
_GAP = r"[\s().+/-]*"  # between the digits of a phone
# What leads to a server or a person of a messenger: made up, it leads somewhere else.
_LINK = re.compile(r"(?<![\w.@-])(?:@\w{3,}|(?:[\w-]+\.)+[^\W\d_]{2,})(?![\w@-])")


def find_fault(finding: Finding, message: str, region: str = DEFAULT_REGION) -> str:
    """Return the reason why `finding` is not proven by its message, in a few words; empty if it is proven."""
    value, said = clean(finding.value), fold(message)
    fault = _find_bad_shape(finding, value) or _find_bad_quote(finding, said)
    if fault:
        return fault
    rest, fault = _take_contacts(fold(value), said, region)
    if fault:
        return fault
    if not set(read_amounts(rest)) <= find_amounts(said):
        return "a number does not stand in the message"
    words, known = _WORD.findall(rest) if finding.slot in _NAMES else _find_names(value), set(_WORD.findall(said))
    if finding.slot == "company" and words and _FILLERS.issuperset(words):
        return "a legal form is no name of a company"
    proven = all(word in _FILLERS or _is_known(word, known) for word in words)
    return "" if proven else "a name does not stand in the message"


def _find_bad_shape(finding: Finding, value: str) -> str:
    if not _SLOT.fullmatch(finding.slot):
        return "no such field"
    if not value or len(value) > LONGEST_VALUE:
        return "empty or too long"
    return "" if 0 <= finding.confidence <= 1 else "the confidence is not between 0 and 1"


def _find_bad_quote(finding: Finding, said: str) -> str:
    quote = fold(finding.quote[:_LONGEST_QUOTE])
    return "" if quote and quote in said else "the quote does not stand in the message"


def clean(text: str) -> str:
    """Return `text` without invisible characters, its white space made plain."""
    return " ".join(drop_invisible(text).split())


def fold(text: str) -> str:
    """Return `text` as it is compared: without case, ё, kinds of quotes and dashes, and width of spaces."""
    return clean(unicodedata.normalize("NFKC", text)).casefold().translate(_FOLDS)


def _take_contacts(value: str, said: str, region: str) -> tuple[str, str]:
    """Return `value` without its mail addresses and phone numbers, and a fault.

    The fault is empty if all of them, and all links of `value`, stand in the message.
    """
    there = {email_key(normalise_email(address)) for address in _EMAIL.findall(said)}
    for address in _EMAIL.findall(value):
        key = email_key(normalise_email(address))
        if not key or key not in there:
            return value, "a mail address does not stand in the message"
    value = _EMAIL.sub(" ", value)
    for phone in [run for run in _PHONE.findall(value) if normalise_phone(run, region)]:
        if not _has_phone(said, phone, region):
            return value, "a phone number does not stand in the message"
        value = value.replace(phone, " ")
    if not set(_LINK.findall(value)) <= set(_LINK.findall(said)):
        return value, "a link does not stand in the message"
    return value, ""


def _has_phone(said: str, phone: str, region: str) -> bool:
    """Return whether a phone stands in folded text: whole, without its country in `region`, or in an old form."""
    spelled = any(
        re.search(rf"(?<!\d){_GAP.join(digits)}(?!\d)", said) is not None for digits in list_spellings(phone, region)
    )
    number = normalise_phone(phone, region)
    return spelled or any(normalise_phone(run, region) == number for run in _PHONE.findall(said))


def _find_names(value: str) -> list[str]:
    """Return the folded words of retold text that are written as names: with a capital inside a sentence."""
    names = []
    for match in _WORD.finditer(value):
        word = match.group()
        begins = _SENTENCE_END.search(value[: match.start()])
        # One in capitals (CRM, ООО) is a name at the beginning too.
        if word[0].isupper() and (not begins or (len(word) > 1 and word.isupper())):
            names.append(fold(word))
    return names


def _is_known(word: str, known: set[str]) -> bool:
    return word in known or any(_is_same_word(word, other) for other in known)


def _is_same_word(one: str, other: str) -> bool:
    """Return whether two folded words may be forms of one: a common stem, behind it nothing but case endings."""
    shortest = min(len(one), len(other))
    same = next((index for index in range(shortest) if one[index] != other[index]), shortest)
    return any(one[stem:] in _ENDINGS and other[stem:] in _ENDINGS for stem in range(same, _SHORTEST_STEM - 1, -1))
