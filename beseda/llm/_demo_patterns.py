"""By what the demo knows a name, a sum or a wish: in Russian and English, and no more than that."""

import re
from collections.abc import Mapping

_MONTHS = (
    r"(?:январ|феврал|март|апрел|ма[йяюе]\b|июн|июл|август|сентябр|октябр|ноябр|декабр)\w*"
    r"|(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)
_DAYS = (
    r"понедельник\w*|вторник\w*|сред[еыу]\b|четверг\w*|пятниц\w*|суббот\w*|воскресень\w*|завтра"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|tomorrow"
)
_SEASONS = r"лет[ауо]\b|осен\w+|зим\w+|весн\w+|summer|autumn|winter|spring"
_PERIODS = r"недел\w+|месяц\w*|квартал\w*|год\w*|weeks?|months?|quarters?|years?"
_DATE = rf"(?:(?:\d{{1,2}}\s+)?(?:{_MONTHS})(?:\s+\d{{1,2}}\b)?|20\d\d(?:\s+год\w*)?)"
_END = r"(?:конц[уа]|(?:the\s+)?end\s+of)"
_WHICH = r"(?:эт\w+|следующ\w+|the|this|next)"
_COUNT = r"(?:\d+|a|one|two|three|пару|две|два|три|полгода|полтора)"
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
        rf"(\b(?:к|до|by|until|till|before)\s+(?:{_END}\s+)?(?:{_WHICH}\s+)?(?:{_DATE}|{_DAYS}|{_SEASONS}|{_PERIODS})"
        rf"|\b(?:в|in)\s+(?:конце\s+|the\s+end\s+of\s+)?(?:{_WHICH}\s+(?:{_PERIODS}|{_SEASONS})|{_MONTHS})"
        rf"|\bв\s+конце\s+(?:{_PERIODS})|\bnext\s+(?:{_PERIODS}|{_SEASONS})"
        rf"|\b(?:через|за|within|in)\s+(?:{_COUNT}\s+)?(?:{_PERIODS}|дн\w+|день|days?)\b|\bчерез\s+полгода"
        r"|срочно|как можно скорее|\basap\b)"
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
# Asked for before what it begins with: «да нет» is a no.
NO = _compile(
    r"^\W*(?:(?:да|ну)\W+)?(?:нет|неверно|не (?:согласен|согласна|надо|нужно|стоит|хочу|разрешаю|сохраняйте))\b",
    r"^\W*(?:no|nope|wrong|(?:please )?(?:do not|don't)|i (?:do not|don't) agree)\b",
)
YES = _compile(
    r"^\W*(?:да|ага|угу|верно|конечно|согласен|согласна|хорошо|ок|окей|можно|разрешаю|сохраните|не против)\b",
    r"^\W*(?:yes|yeah|yep|sure|right|correct|i agree|ok|okay|please do|go ahead)\b",
)
EVASIVE = _compile(r"не знаю|не скажу|\bпотом\b|не важно|don't know|do not know|no idea|\blater\b")
# What people ask of us, mostly by buttons, which put these words on record.
REQUEST = _compile(
    r"\?|^\W*(?:запишите|подтверждаю|отмените|перенесите|отозвать|перезвоните|позвоните)\b",
    r"^\W*(?:(?:please )?(?:book|confirm|cancel|move|call)|i confirm|take my consent back)\b",
)
# A consent that is taken back unasked.
_CONTACTS = r"(?:номер|телефон|почт|адрес|контакт|согласи|number|phone|e-?mail|address|contact|consent)"
REVOKES = _compile(
    rf"\b(?:не (?:хранит|сохраняй)\w*|удалит\w*|сотрит\w*|забудьте|отзыва\w+|отозвать)\s+(?:\w+\s+)?{_CONTACTS}",
    rf"\b(?:do not keep|don't keep|delete|erase|remove|forget|withdraw)\s+(?:\w+\s+)?{_CONTACTS}",
)
