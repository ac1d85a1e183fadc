"""Regular expressions by which the demo recognises names, sums and wishes, in Russian and English only."""

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
_THINGS = (
    r"заяв\w+|обращени\w+|документ\w+|запрос\w+|звонк\w+|заказ\w+|пис[еь]м\w*|сообщени\w+|договор\w+|сч[её]т\w*"
    r"|анкет\w*|отзыв\w*|чат\w*|лид\w*|резюме|requests?|documents?|calls?|orders?|(?:e-?)?mails?|letters?|messages?"
    r"|contracts?|invoices?|tickets?|leads?|chats?|reviews?"
)
_PEOPLE = r"(\d[\d\s]*\s*(?:человек\w*|людей|сотрудник\w*|менеджер\w*|оператор\w*|people|employees|staff|managers?)\b)"
# A company has a legal form, stands in quotation marks, or begins with a capital letter behind a word for company.
_FORM = r"(?:(?-i:ООО|ОАО|ЗАО|ПАО|АО|НКО|АНО|ИП|ТОО|МУП|ГУП|ФГУП)\b|Общество с ограниченной ответственностью)"
_QUOTED = r"[«\"“„][^«»\"“”„]{1,60}[»\"”“]"
_PROPER = r"(?-i:[A-ZА-ЯЁ\d][\w&.-]*\w(?:\s+(?:и\s+)?[A-ZА-ЯЁ][\w&-]*\w){0,3})"
_SUFFIX = r"(?-i:LLC|Ltd|Inc|GmbH|Corp|PLC|LLP)\b"
_COMPANY = r"компани\w*|фирм\w*|организаци\w*|студи\w*|агентств\w*|магазин\w*|company|work(?:ing)?\s+(?:at|for|with)"


def _compile(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# What a topic of this name looks like; the first group is the value.
VALUES: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(
        r"(?i:меня зовут|мо[её] имя|my name is)\s+([^\W\d_][\w-]+(?:\s+[A-ZА-ЯЁ][\w-]+)?)",
    ),
    "phone": _compile(r"(\+?\d[\d\s()-]{8,16}\d)"),
    "email": _compile(r"([\w.+-]+@[\w-]+(?:\.[\w-]+)+)"),
    "company": _compile(
        rf"(\b{_FORM}\s*(?:{_QUOTED}|{_PROPER}|\w[\w-]+))",
        rf"({_PROPER},?\s+{_SUFFIX})",
        rf"\b(?:{_COMPANY})\s+(?:is\s+)?(?:called\s+|[—–-]\s*)?[«\"“„]([^«»\"“”„]{{1,60}})[»\"”“]",
        rf"\b(?:{_COMPANY})\s+(?:is\s+)?(?:called\s+|[—–-]\s*)?({_PROPER})",
    ),
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
    "volume": _compile(rf"(\d[\d\s]*\s*(?:{_THINGS})(?:\s+(?:в|за|a|per)\s+\w+|\s+ежедневно|\s+daily)?)"),
    "people": _compile(
        rf"{_PEOPLE}(?=[^.!?]*\b(?:заним|обрабат|разбира|отвеча|work on|handle))",
        rf"(?:заним\w+|обрабат\w+|разбира\w+|отвеча\w+|work on \w+|handled? by)[^.!?\d]*{_PEOPLE}",
    ),
    "size": _compile(_PEOPLE),
    "problems": _compile(
        r"((?:тонем|теря\w+|не (?:успева|справля)\w+|устали|пута\w+|завал\w+|we (?:lose|miss|cannot keep up))"
        r"[^.!?\n]{3,160})",
        r"(?:задача|проблема|problem)\s*(?:—|–|-|:|is|в том,? что)\s*([^.!?\n]{5,160})",
        r"\b(?:нужно|надо|хотим|хотели бы|хочется|планируем)\s+((?!узна|спрос|запис|созвон|встрет|поговор|посмотр)"
        r"\w+(?:ть|ти|чь)(?:ся)?\b[^.!?,\n]{3,160})",
        r"\bwe (?:need|want|would like|have) to\s+((?!know|ask|talk|book|meet|see)[^.!?,\n]{5,160})",
    ),
}
# Answers to questions about these are free words, which may hold the values of others.
OPEN = {"problems", "time_consuming_tasks", "goal", "domain", "success_metric", "data_access"}
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
