"""Numbers in what people write: digits, digits in groups, thousands and millions, numbers in words."""

import re
from collections.abc import Iterator
from decimal import Decimal

_DIGITS = re.compile(r"\d{1,3}(?:[ .,’']\d{3})+(?!\d)|\d{1,30}(?:[.,]\d{1,10})?")
_RUN = re.compile(r"\d{1,30}")
_UNIT = re.compile(
    r"\s*(?P<thousand>тыс\w*|тысяч\w*|тыщ\w*|к\b|k\b|thousand)|\s*(?P<million>млн\w*|миллион\w*|лям\w*|m\b|mln|million)"
    r"|\s*(?P<milliard>млрд\w*|миллиард\w*|bn\b|billion)"
)
_FACTORS = {"thousand": 1_000, "million": 1_000_000, "milliard": 1_000_000_000}
_WORD = re.compile(r"[^\W\d_]+")

# Beginnings of number words: Russian ones are inflected.
_WORDS: dict[str, int] = {
    **dict.fromkeys(("один", "одна", "одно", "одну", "одного", "одной", "одному", "one"), 1),
    **dict.fromkeys(("два", "две", "двух", "двум", "двое", "двоих", "two"), 2),
    **dict.fromkeys(("три", "трех", "трем", "трое", "троих", "three"), 3),
    **dict.fromkeys(("четыре", "четырех", "четверо", "четверых", "four"), 4),
    **dict.fromkeys(("пять", "пяти", "пятеро", "пятерых", "five"), 5),
    **dict.fromkeys(("шесть", "шести", "шестеро", "шестерых", "six"), 6),
    **dict.fromkeys(("семь", "семи", "семеро", "семерых", "seven"), 7),
    **dict.fromkeys(("восемь", "восьми", "восьмеро", "eight"), 8),
    **dict.fromkeys(("девять", "девяти", "nine"), 9),
    **dict.fromkeys(("десять", "десяти", "десяток", "десятка", "ten"), 10),
    **dict.fromkeys(("одиннадцать", "одиннадцати", "eleven"), 11),
    **dict.fromkeys(("двенадцать", "двенадцати", "дюжина", "twelve", "dozen"), 12),
    **dict.fromkeys(("тринадцать", "тринадцати", "thirteen"), 13),
    **dict.fromkeys(("четырнадцать", "четырнадцати", "fourteen"), 14),
    **dict.fromkeys(("пятнадцать", "пятнадцати", "fifteen"), 15),
    **dict.fromkeys(("шестнадцать", "шестнадцати", "sixteen"), 16),
    **dict.fromkeys(("семнадцать", "семнадцати", "seventeen"), 17),
    **dict.fromkeys(("восемнадцать", "восемнадцати", "eighteen"), 18),
    **dict.fromkeys(("девятнадцать", "девятнадцати", "nineteen"), 19),
    **dict.fromkeys(("двадцать", "двадцати", "twenty"), 20),
    **dict.fromkeys(("тридцать", "тридцати", "thirty"), 30),
    **dict.fromkeys(("сорок", "сорока", "forty"), 40),
    **dict.fromkeys(("пятьдесят", "пятидесяти", "fifty"), 50),
    **dict.fromkeys(("шестьдесят", "шестидесяти", "sixty"), 60),
    **dict.fromkeys(("семьдесят", "семидесяти", "seventy"), 70),
    **dict.fromkeys(("восемьдесят", "восьмидесяти", "eighty"), 80),
    **dict.fromkeys(("девяносто", "девяноста", "ninety"), 90),
    **dict.fromkeys(("сто", "ста", "сотня", "сотню", "сотни", "hundred"), 100),
    **dict.fromkeys(("двести", "двухсот"), 200),
    **dict.fromkeys(("триста", "трехсот"), 300),
    **dict.fromkeys(("четыреста", "четырехсот"), 400),
    **dict.fromkeys(("пятьсот", "пятисот"), 500),
    **dict.fromkeys(("шестьсот", "шестисот"), 600),
    **dict.fromkeys(("семьсот", "семисот"), 700),
    **dict.fromkeys(("восемьсот", "восьмисот"), 800),
    **dict.fromkeys(("девятьсот", "девятисот"), 900),
    "полтора": 1,
}


def read_amounts(text: str) -> list[Decimal]:
    """Return every number that is written in digits in folded text, as it is meant: `500 тыс` is 500000."""
    return [_scale(_to_number(match.group()), text, match.end()) for match in _DIGITS.finditer(text)]


def find_amounts(text: str) -> frozenset[Decimal]:
    """Return all readings of the numbers in folded text: with and without their unit, whole and in pieces, in words."""
    found: set[Decimal] = {Decimal(match.group()) for match in _RUN.finditer(text)}
    for match in _DIGITS.finditer(text):
        number = _to_number(match.group())
        found |= {number, _scale(number, text, match.end())}
    for number, end in _find_words(text):
        found |= {number, _scale(number, text, end)}
    for match in _UNIT.finditer(text):  # "тысяча" without a number before it
        found.add(_scale(Decimal(1), text, match.start()))
    return frozenset(found)


def _to_number(digits: str) -> Decimal:
    groups = re.split(r"[ .,’']", digits)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]):
        return Decimal("".join(groups))
    return Decimal(digits.replace(",", "."))


def _scale(number: Decimal, text: str, end: int) -> Decimal:
    unit = _UNIT.match(text, end)
    return number * _FACTORS[unit.lastgroup] if unit and unit.lastgroup else number


def _find_words(text: str) -> Iterator[tuple[Decimal, int]]:
    """Yield numbers in words with where they end: "двадцать пять" is 25, and 20 and 5 as well."""
    total, last_end, last = 0, -1, 0
    for match in _WORD.finditer(text):
        value = _WORDS.get(match.group())
        if value is None:
            continue
        if match.group() == "полтора":
            yield Decimal("1.5"), match.end()
            continue
        joined = last_end >= 0 and not text[last_end : match.start()].strip(" -") and value < last and _is_round(last)
        total = total + value if joined else value
        last, last_end = value, match.end()
        yield Decimal(value), match.end()
        yield Decimal(total), match.end()


def _is_round(number: int) -> bool:
    return number >= 100 or (number >= 20 and number % 10 == 0)
