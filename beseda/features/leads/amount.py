"""Numbers in users' texts: digits, digits in groups, thousands and millions, numbers in words."""

import re
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

_DIGITS = re.compile(r"\d{1,3}(?:[ .,’']\d{3})+(?!\d)|\d{1,30}(?:[.,]\d{1,10})?")
_RUN = re.compile(r"\d{1,30}")
_UNIT = re.compile(
    r"\s*(?P<thousand>тыс\w*|тысяч\w*|тыщ\w*|к\b|k\b|thousand)|\s*(?P<million>млн\w*|миллион\w*|лям\w*|m\b|mln|million)"
    r"|\s*(?P<milliard>млрд\w*|миллиард\w*|bn\b|billion)"
)
# A unit that says one by itself: "к" and "m" are units behind a number only.
_LONE_UNIT = re.compile(r"\b(?:тыс\b|тысяч\w*|тыщ\w*|thousand|млн\b|миллион\w*|mln|million|млрд\b|миллиард\w*|billion)")
# "300-500 тысяч": the unit is that of both.
_RANGE = re.compile(r"\s*(?:-|\b(?:до|по|или|to|or)\b)\s*")
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
}


class _Amount(NamedTuple):
    """A number in a text with the factor of its unit; `end` is the position after the unit."""

    begin: int
    end: int
    number: Decimal
    factor: int = 1


def read_amounts(text: str) -> list[Decimal]:
    """Return every number of folded text as it is meant: `500 тыс` is 500000, `двадцать пять` is 25."""
    # "Один" and "one" are often no number at all.
    words = [amount for amount in _read_words(text) if amount.number * amount.factor != 1]
    return [amount.number * amount.factor for amount in (*_read_digits(text), *words, *_read_lone_units(text))]


def find_amounts(text: str) -> frozenset[Decimal]:
    """Return all readings of the numbers in folded text: with and without their unit, whole and in pieces, in words."""
    found: set[Decimal] = {Decimal(match.group()) for match in _RUN.finditer(text)}
    found |= {Decimal(_WORDS[word]) for word in _WORD.findall(text) if word in _WORDS}
    amounts = sorted([*_read_digits(text), *_read_words(text), *_read_lone_units(text)])
    for amount in amounts:
        found |= {amount.number, amount.number * amount.factor}
    for one, other in pairwise(amounts):
        between = text[one.end : other.begin]
        if one.factor == 1 and _RANGE.fullmatch(between):
            found.add(one.number * other.factor)
        elif one.factor > other.factor and not between.strip():  # "2 миллиона 300 тысяч"
            found.add(one.number * one.factor + other.number * other.factor)
    return frozenset(found)


def _read_digits(text: str) -> list[_Amount]:
    return [_measure(text, match.start(), match.end(), _to_number(match.group())) for match in _DIGITS.finditer(text)]


def _read_words(text: str) -> list[_Amount]:
    """Return the numbers that are written in words: "двадцать пять" is 25."""
    found: list[_Amount] = []
    total, begin, end, last = 0, 0, 0, 0
    for match in _WORD.finditer(text):
        value = _WORDS.get(match.group())
        if value is None:
            if match.group() == "полтора":
                found.append(_measure(text, match.start(), match.end(), Decimal("1.5")))
            continue
        if last and not text[end : match.start()].strip(" -") and value < last and _is_round(last):
            total += value
        else:
            if last:
                found.append(_measure(text, begin, end, Decimal(total)))
            total, begin = value, match.start()
        last, end = value, match.end()
    return [*found, _measure(text, begin, end, Decimal(total))] if last else found


def _read_lone_units(text: str) -> list[_Amount]:
    """Return the values of units that follow no number: "тысяча" is 1000."""
    taken = {amount.end for amount in (*_read_digits(text), *_read_words(text))}
    return [
        _measure(text, match.start(), match.start(), Decimal(1))
        for match in _LONE_UNIT.finditer(text)
        if match.end() not in taken
    ]


def _measure(text: str, begin: int, end: int, number: Decimal) -> _Amount:
    unit = _UNIT.match(text, end)
    if unit is None or unit.lastgroup is None:
        return _Amount(begin, end, number)
    return _Amount(begin, unit.end(), number, _FACTORS[unit.lastgroup])


def _to_number(digits: str) -> Decimal:
    groups = re.split(r"[ .,’']", digits)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]):
        return Decimal("".join(groups))
    return Decimal(digits.replace(",", "."))


def _is_round(number: int) -> bool:
    return number >= 100 or (number >= 20 and number % 10 == 0)
