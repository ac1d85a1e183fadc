"""Formats values for readers, and escapes text that a spreadsheet would run as a formula."""

from datetime import UTC, date, datetime

from beseda.features.reports.content import Cell, CellKind
from beseda.locales import Text

# What Excel and its kin run when a cell begins with it (OWASP: CSV injection), and what leads up to it unseen.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_DECIMAL = Text("formats.decimal")
_GROUP = Text("formats.group")
_PERCENT = Text("formats.percent")
_SECONDS = Text("formats.seconds")
_DAY = Text("formats.day")
_SHORT_DAY = Text("formats.short_day")
_MONTHS = Text("formats.months_short")


def write_value(value: Cell, kind: CellKind, language: str) -> str:
    """Return a value for people to read."""
    if value is None or value == "":
        return "—"
    if isinstance(value, datetime):
        return write_day(value, language) if kind is CellKind.DAY else write_moment(value, language)
    return value if isinstance(value, str) else _write_amount(value, kind, language)


def _write_amount(value: float, kind: CellKind, language: str) -> str:
    match kind:
        case CellKind.MONEY:
            return "$" + write_number(value, 2 if abs(value) >= 1 or not value else 4, language)
        case CellKind.PERCENT:
            return _PERCENT.say(language, value=write_number(value, 1, language))
        case CellKind.SECONDS:
            return _SECONDS.say(language, value=write_number(value / 1000, 1, language))
        case CellKind.NUMBER:
            return str(value)
        case _:
            return write_number(value, 0, language)


def write_number(value: float, places: int, language: str) -> str:
    """Return a number with its digits in groups of three."""
    marks = str.maketrans({",": _GROUP.say(language), ".": _DECIMAL.say(language)})
    return f"{value:,.{places}f}".translate(marks)


def write_day(value: datetime, language: str) -> str:
    """Return a date."""
    return value.strftime(_DAY.say(language))


def write_short_day(day: str, language: str) -> str:
    """Return an ISO date without its year, as a chart shows it."""
    moment = date.fromisoformat(day)
    month = _MONTHS.say(language).split()[moment.month - 1]
    return _SHORT_DAY.say(language, day=moment.day, month=moment.month, name=month)


def write_moment(value: datetime, language: str) -> str:
    """Return a date and a time in UTC."""
    return f"{write_day(value.astimezone(UTC), language)} {value.astimezone(UTC):%H:%M}"


def defuse(text: str) -> str:
    """Return text escaped so that a spreadsheet does not run it as a formula, such as a user's name."""
    return f"'{text}" if text.startswith(_RISKY) or text.lstrip(" \u00a0\ufeff").startswith(_RISKY) else text
