"""Detection of messages about homes, by stems of Russian and English words, so that every form of a word counts.

A strong word is enough by itself. Weak words (price, district) have many other uses, so two different ones are needed,
or one beside a sum or an area.
"""

import re

_RU_END = r"[а-я]{0,4}"


def _stems(*stems: str) -> str:
    return "|".join(stems)


_STRONG_RU = _stems(
    rf"квартир{_RU_END}",
    r"(?:полутора|одно|двух|трех|четырех|пяти|много|\d-?(?:х|и)?-?)комнатн(?:ая|ую|ой|ые|ых|ыми|ый|ого|ом)",
    rf"(?:евро)?(?:однушк|двушк|трешк|четырешк){_RU_END}",
    rf"недвижимост{_RU_END}",
    rf"новостро(?:йк|ек|еч){_RU_END}",
    rf"ипотек{_RU_END}|ипотечн{_RU_END}",
    rf"застройщик{_RU_END}",
    rf"ри[еэ]лтор{_RU_END}",
    rf"жиль(?:е|я|ю|ем)|жилплощад{_RU_END}|жилищ(?:е|а|у|ем|н[а-я]{{2,3}})",
    rf"апартамент{_RU_END}",
    rf"таунхаус{_RU_END}|пентхаус{_RU_END}",
    rf"этаж(?:а|у|е|ом|и|ей|ам|ами|ах)?|(?:одно|двух|трех|много)этажн{_RU_END}",
    rf"метраж{_RU_END}|квадратур{_RU_END}",
    rf"планировк{_RU_END}",
    r"жк(?!-)",
)
_STRONG_EN = _stems(
    r"apartments?",
    r"condos?|condominiums?",
    r"mortgages?",
    r"real estate",
    r"realtors?|estate agents?",
    r"townhouses?|penthouses?",
    r"bedrooms?",
    r"(?:one|two|three|four|\d)-(?:room|bedroom)s?",
    r"studio (?:flat|apartment)s?",
    r"square (?:metre|meter|foot|feet)s?|sqm|sq\.? ?m",
    r"housing (?:market|prices?|estates?|loans?)",
    r"(?:buy|rent|sell|renting|buying|selling) (?:a|an|my|our|the) (?:house|home|flat|place|property)",
)
# A flat is a home unless it is a tyre, a coffee, a fee, or what somebody fell.
_FLAT = (
    r"(?<!fell )(?<!fall )(?<!is )(?<!was )(?<!are )(?<!the earth )(?<!lie )(?<!lay )(?<!so )(?<!too )(?<!very )"
    r"flats?(?! (?:white|tyre|tire|earth|batter|rate|fee|screen|bread|shoe|file|list|design"
    r"|iron|out|organi|line|surface|map|note|hair|head|back|ui|structure|json|land|foot|feet)\w*)"
)
_WEAK = (
    rf"цен(?:а|ы|у|е|ой|ам|ами|ах)?|ценник{_RU_END}",
    rf"стоимост{_RU_END}",
    r"площад(?:ь|и|ью|ей|ям)",
    rf"район{_RU_END}",
    r"комнат(?:а|ы|у|е|ой|ам|ами|ах)?",
    rf"дом(?:а|у|е|ом|ов|ами|ах)?|домик{_RU_END}|коттедж{_RU_END}",
    r"студи(?:я|и|ю|ей)",
    rf"аренд{_RU_END}|снять|снима(?:ть|ю|ем|ет)|сдать|сда(?:ю|ем)",
    rf"купить|куплю|покупк{_RU_END}|продать|продаж{_RU_END}",
    rf"метро|школ{_RU_END}|садик{_RU_END}",
    rf"ремонт{_RU_END}|балкон{_RU_END}|лоджи{_RU_END}|санузел|кухн{_RU_END}",
    rf"вторичк{_RU_END}|вторичн{_RU_END}",
    r"prices?|costs?",
    r"districts?|neighbou?rhoods?",
    r"rooms?|balcon(?:y|ies)|kitchens?",
    r"houses?|homes?|propert(?:y|ies)",
    r"rent|rents|renting|rental|lease",
    r"buy|buying|sell|selling|purchase",
    r"floors?",
    r"area|areas",
    r"studios?",
    r"landlords?|tenants?",
)
_FIGURE = re.compile(r"\d\s*(?:м²|м2|кв\.?\s*м|млн|миллион|m²|m2|million|mln)")
_STRONG_WORD = re.compile(rf"(?<![\w-])(?:{_STRONG_RU}|{_STRONG_EN}|{_FLAT})(?![\w])")
_WEAK_WORDS = [re.compile(rf"(?<![\w-])(?:{stem})(?!\w)") for stem in _WEAK]
# Places and sayings in which such a word means something else.
_SAYINGS = re.compile(
    r"красн\w+ площад\w+|сенатск\w+ площад\w+|в районе \d|в районе (?:обеда|полудня|полуночи)"
    r"|цен(?:а|ы|у|ой) (?:побед|ошибк)\w+|комнатн\w+ температур\w+|комнатн\w+ растени\w+"
    r"|white house|house music|movie studio|at all costs?|dance floors?"
)
_LONGEST = 5_000  # characters that are looked through


def is_about_housing(text: str) -> bool:
    """Return whether a message is about homes: buying, selling, renting, or describing them."""
    plain = _SAYINGS.sub(" ", " ".join(text[:_LONGEST].lower().replace("ё", "е").split()))
    if _STRONG_WORD.search(plain):
        return True
    weak = sum(1 for word in _WEAK_WORDS if word.search(plain))
    return weak >= 2 or (weak == 1 and bool(_FIGURE.search(plain)))
