"""Search criteria for homes, read from messages: budget, rooms, area, district, and other wishes mentioned."""

import re
from collections.abc import Iterable, Sequence

from beseda.bots.real_estate.property_listing import Criteria, PropertyWish

# Every repetition has an end: a message of nothing but digits must not take longer than another.
_NUMBER = r"(?<![\d.,])(?:\d{1,3}(?: \d{3}){1,3}|\d{1,12})(?:[.,]\d{1,6})?(?!\d)"
_LONGEST = 4000  # characters of one message that are read: a wish is not longer
_UP_TO = (
    r"до|не дороже|не больше|не более|максимум|максимально|макс\.?|в пределах|under|below|up to|at most|max\.?|within"
)
_FROM = r"от|не дешевле|не меньше|не менее|минимум|больше|более|from|at least|over|above|min\.?|starting at"
_ABOUT = r"около|примерно|порядка|приблизительно|about|around|roughly|~"
_MONEY = r"(?:млн|миллион\w*|лям\w*|mln|millions?|(?<=\d)m\b|тыс\w*\.?|тысяч\w*|k\b|руб\w*|₽|р\b)"
_AREA = (
    r"(?:м²|м2|m²|m2|кв\.?\s?м\w*\.?|квадрат\w*(?:\s+метр\w*)?|(?:метр\w*|м)(?!\w)(?!\s*(?:до|от|/))"
    r"|sqm|sq\.?\s?m\w*|square met\w+)"
)


def _measure(unit: str) -> re.Pattern[str]:
    """Return the pattern of a figure with `unit`: a range, or one bound with the word before it."""
    return re.compile(
        rf"(?:(?P<word>{_UP_TO}|{_FROM}|{_ABOUT})\s*)?(?P<first>{_NUMBER})\s*(?P<unit1>{unit})?"
        rf"(?:\s*(?:-|–|—|до|to)\s*(?P<second>{_NUMBER}))?\s*(?P<unit>{unit})"
    )


_AREA_FIGURE = _measure(_AREA)
_MONEY_FIGURE = _measure(_MONEY)
_BARE_SUM = re.compile(
    rf"(?:(?P<word>{_UP_TO}|{_FROM}|{_ABOUT})\s*)?(?<![\d+])(?P<first>\d{{1,3}}(?: ?\d{{3}}){{2,3}})(?! ?\d)"
)
_SOME = 0.1  # "about" means this much more or less
_THOUSANDS, _MILLIONS = 1_000, 1_000_000
_CHEAPEST, _DEAREST = 100_000, 10_000_000_000  # roubles: what a home may cost

_ROOM_WORDS = (
    (0, r"студи(?:я|и|ю|ей|йк\w+)|studios?"),
    (1, r"однокомнатн\w+|однушк\w*|одн(?:а|у|ой) комнат\w+|one[- ]room|1-?room"),
    (2, r"двухкомнатн\w+|(?:евро)?двушк\w*|две комнат\w+|двумя комнат\w+|two[- ]rooms?|one[- ]bedroom"),
    (3, r"трехкомнатн\w+|(?:евро)?трешк\w*|три комнат\w+|тремя комнат\w+|three[- ]rooms?|two[- ]bedrooms?"),
    (4, r"четырехкомнатн\w+|четыре комнат\w+|four[- ]rooms?|three[- ]bedrooms?"),
)
_ROOMS_BY_WORD = [(count, re.compile(rf"(?<!\w)(?:{words})(?!\w)")) for count, words in _ROOM_WORDS]
_ROOMS_BY_DIGIT = re.compile(
    r"(?<![\d.,])(?P<first>[1-6])(?:\s*(?:-|–|или|or)\s*(?P<second>[1-6]))?\s*-?(?:х|ух|и|ю|я)?-?\s*"
    r"(?:(?P<room>комн\w*|room\w*)|(?P<bedroom>bed(?:room)?s?)|к(?![\w.]))"
)
_MENTIONS = {
    PropertyWish.TRANSPORT: r"метро|остановк\w*|транспорт\w*|электричк\w*|станци\w+|машин\w*|парковк\w*|автобус\w*"
    r"|трамва\w+"
    r"|metro|subway|tube|station\w*|transport\w*|commut\w+|parking|bus(?:es)?",
    PropertyWish.INFRASTRUCTURE: r"школ\w*|сад(?:ик)?(?:а|у|ом|ы|ов)?|детсад\w*|поликлиник\w*|магазин\w*"
    r"|парк(?:а|у|ом|и|ов)?"
    r"|инфраструктур\w*|больниц\w*|schools?|kindergartens?|shops?|parks?|clinics?|infrastructure|amenities",
    PropertyWish.HANDOVER: r"сдач\w+|сдан\w*|срок\w*|ключ(?:и|ей|ами)|заселени\w+|заезд\w*"
    r"|готов(?:ый|ая|ую|ое) (?:дом|жил|кварт)\w*|новостро\w+|вторичк\w*|вторичн\w+"
    r"|handover|hand-over|completion|move in|ready|new build|resale",
}
_MENTION_WORDS = {wish: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for wish, words in _MENTIONS.items()}
_INDIFFERENT = {
    PropertyWish.BUDGET: r"бюджет\w* (?:не важен|любой|не ограничен)|(?:any|no) budget",
    PropertyWish.ROOMS: r"(?:любое|без разницы сколько) (?:число|количество)? ?комнат|any number of rooms",
    PropertyWish.DISTRICT: r"район\w* (?:не важ\w+|люб\w+|без разниц\w+)|люб(?:ой|ом) район\w*|any (?:district|area)",
}
_INDIFFERENCE = {wish: re.compile(words) for wish, words in _INDIFFERENT.items()}

# People say where a home is, and a catalogue has an adjective of it.
_PLACES = {
    "центральн": r"в (?:самом )?центре(?! (?:внимани|тяжест))|центр\w* города|(?:city|town) cent(?:re|er)"
    r"|in the (?:very )?cent(?:re|er)|downtown",
    "северн": r"на севере|in the north",
    "южн": r"на юге|in the south",
    "западн": r"на западе|in the west",
    "восточн": r"на востоке|in the east",
}
_PLACE_WORDS = {stem: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for stem, words in _PLACES.items()}
_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(
    r"(?:ого|его|ому|ему|ыми|ими|ий|ый|ой|ей|ая|яя|ое|ее|ые|ие|ым|им|ом|ем|ую|юю|ых|их|ам|ям|ах|ях|а|я|о|е|у|ю|ы|и|ь|й)$"
)
_SHORTEST_STEM = 3
_LATIN = dict(zip("абвгдезийклмнопрстуфцыэ", "abvgdeziyklmnoprstufcye", strict=True))
_LATIN |= {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ъ": "", "ь": ""}


def read_criteria(messages: Iterable[str], districts: Sequence[str]) -> Criteria:
    """Return the criteria from all messages of a user. Later messages take precedence."""
    known = Criteria()
    for message in messages:
        known = known.followed_by(parse_criteria(message, districts))
    return known


def parse_criteria(text: str, districts: Sequence[str]) -> Criteria:
    """Return the criteria in one message. `districts` are the names in the catalogue."""
    plain = " ".join(text[:_LONGEST].lower().replace("ё", "е").replace("\u00a0", " ").split())
    area, rest = _take_figure(_AREA_FIGURE, plain)
    rooms, rest = _take_rooms(rest)
    budget = _read_budget(rest)
    mentioned = {wish for wish, words in _MENTION_WORDS.items() if words.search(plain)}
    mentioned |= {wish for wish, words in _INDIFFERENCE.items() if words.search(plain)}
    return Criteria(
        price_from=None if budget[0] is None else round(budget[0]),
        price_to=None if budget[1] is None else round(budget[1]),
        area_from=area[0],
        area_to=area[1],
        rooms=rooms,
        district=find_district(plain, districts),
        mentioned=frozenset(mentioned),
    )


_Bounds = tuple[float | None, float | None]


def _take_figure(pattern: re.Pattern[str], text: str) -> tuple[_Bounds, str]:
    """Return the bounds of the first figure and the text without it. An area without a bound means about that much."""
    found = pattern.search(text)
    if found is None:
        return (None, None), text
    return _bounds(found, 1.0, alone="about"), text[: found.start()] + " " + text[found.end() :]


def _read_budget(text: str) -> _Bounds:
    for found in _MONEY_FIGURE.finditer(text):
        scale = _scale(found["unit"])
        bounds = _bounds(found, scale, alone="to", first_scale=_scale(found["unit1"]) if found["unit1"] else scale)
        if max(bound for bound in bounds if bound is not None) >= _CHEAPEST:
            return bounds
    found_sum = _BARE_SUM.search(text)
    if found_sum is None or _number(found_sum["first"]) > _DEAREST:  # a telephone number is no price
        return None, None
    return _bounds(found_sum, 1.0, alone="to")


def _bounds(found: re.Match[str], scale: float, *, alone: str, first_scale: float | None = None) -> _Bounds:
    """Return the lower and upper bound of a figure. `alone` is the meaning of a figure without a word before it."""
    groups = found.groupdict()
    first = _number(found["first"]) * (scale if first_scale is None else first_scale)
    if groups.get("second"):
        second = _number(groups["second"]) * scale
        return min(first, second), max(first, second)
    word = found["word"] or alone
    if word == "to" or re.fullmatch(_UP_TO, word):
        return None, first
    if word == "about" or re.fullmatch(_ABOUT, word):
        return first * (1 - _SOME), first * (1 + _SOME)
    return first, None


def _scale(unit: str) -> float:
    if unit.startswith(("тыс", "k")):
        return _THOUSANDS
    return 1 if unit.startswith(("руб", "₽", "р")) else _MILLIONS


def _number(text: str) -> float:
    return float(text.replace(" ", "").replace(",", "."))


def _take_rooms(text: str) -> tuple[frozenset[int], str]:
    counts = {count for count, words in _ROOMS_BY_WORD if words.search(text)}
    for found in _ROOMS_BY_DIGIT.finditer(text):
        more = 1 if found["bedroom"] else 0  # rooms are counted with the living room
        first, last = int(found["first"]) + more, int(found["second"] or found["first"]) + more
        counts |= set(range(min(first, last), max(first, last) + 1))
    return frozenset(counts), _ROOMS_BY_DIGIT.sub(" ", text)


def find_district(text: str, districts: Sequence[str]) -> str:
    """Return the catalogue's district that a text names, in any form and alphabet, or an empty string."""
    words = _WORD.findall(text.lower().replace("ё", "е"))
    forms = [*words, *(_to_latin(word) for word in words)]
    for district in sorted(districts, key=len, reverse=True):
        stems = [_stem(word) for word in _WORD.findall(district.lower().replace("ё", "е"))]
        if stems and all(_is_named(stem, forms) for stem in stems):
            return district
    meant = [stem for stem, words in _PLACE_WORDS.items() if words.search(text.lower())]
    return next((name for stem in meant for name in districts if name.lower().startswith(stem)), "")


def _is_named(stem: str, forms: Sequence[str]) -> bool:
    latin = _to_latin(stem)
    return any(
        form.startswith(root) and len(form) - len(root) <= 4  # an ending, and no other word
        for form in forms
        for root in (stem, latin)
    )


def _stem(word: str) -> str:
    stem = _ENDING.sub("", word)
    return stem if len(stem) >= _SHORTEST_STEM else word


def _to_latin(word: str) -> str:
    return "".join(_LATIN.get(letter, letter) for letter in word)
