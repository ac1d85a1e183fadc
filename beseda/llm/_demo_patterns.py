"""By what the demo knows a name, a sum or a wish: in Russian and English, and no more than that."""

import re
from collections.abc import Mapping

_MONTHS = (
    "январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр"
    "|january|february|march|april|may|june|july|august|september|october|november|december"
)
_SUMS = r"тыс\w*|млн|миллион\w*|k\b|thousand|million"
_MONEY = rf"{_SUMS}|руб\w*|₽|долл\w*|\$|€|евро|usd|eur|roubles|dollars|euros"
_THINGS = r"заяв\w+|обращени\w+|документ\w+|запрос\w+|звонк\w+|заказ\w+|requests?|documents?|calls?|orders?"


def _compile(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# What a topic of this name looks like; the first group is the value.
VALUES: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(
        r"(?i:меня зовут|мо[её] имя|my name is)\s+([^\W\d_][\w-]+(?:\s+[A-ZА-ЯЁ][\w-]+)?)",
    ),
    "phone": _compile(r"(\+?\d[\d\s()-]{8,16}\d)"),
    "email": _compile(r"([\w.+-]+@[\w-]+(?:\.[\w-]+)+)"),
    "company": _compile(r"(?:компани[яиюей]+|фирм[аыуе]|company|work(?:ing)? (?:at|for))\s+[«\"“]?([^\s,.«»\"“”!?]+)"),
    "budget": _compile(
        rf"((?:до |около |up to |about )?(?:[$€]\s?\d[\d.,]*\s?(?:{_SUMS})?|\d[\d\s.,]*(?:{_SUMS})?\s*(?:{_MONEY})))"
    ),
    "deadline": _compile(
        rf"((?:к|до|в|by|in|until|before) (?:конц[уа] |end of |the end of )?(?:{_MONTHS}|год\w*|кварта\w*|next \w+)\w*"
        r"|через (?:\d+ )?(?:недел|месяц|дн)\w*|(?:within|in) (?:a|\d+) (?:week|month|day)s?"
        r"|срочно|как можно скорее|asap)"
    ),
    "volume": _compile(rf"(\d[\d\s]*\s*(?:{_THINGS})(?:\s+(?:в|a|per)\s+\w+)?)"),
}
SIGNALS: Mapping[str, re.Pattern[str]] = {
    "wants_consultation": _compile(
        r"консультаци|созвон|встретит|встреч[уаи]|поговорить с (?:человек|менеджер|эксперт)",
        r"consultation|set up a (?:call|meeting)|talk to a (?:human|person|manager)",
    ),
    "objects": _compile(r"\b(?:дорого|сомнева|не уверен|не верю|too expensive|not sure|doubt)"),
    "declines": _compile(
        r"не (?:нужна|надо|хочу) (?:консультаци|встреч|созвон)", r"\bno (?:consultation|call|meeting)"
    ),
}
SMALL_TALK = _compile(
    r"^\W*(?:привет\w*|здравствуй\w*|добр(?:ый|ое) (?:день|вечер|утро)|как дела|спасибо\w*|пока"
    r"|hello|hi|hey|thanks?(?: you)?|how are you|bye|good (?:morning|evening))\b"
)
YES = _compile(r"^\W*(?:да|ага|верно|конечно|согласен|согласна|хорошо|yes|yeah|sure|right|correct|i agree|ok)\b")
NO = _compile(r"^\W*(?:нет|неверно|не согласен|не согласна|не надо|no|nope|wrong|i do not agree|i don't agree)\b")
EVASIVE = _compile(r"не знаю|не скажу|\bпотом\b|не важно|don't know|do not know|no idea|\blater\b")
