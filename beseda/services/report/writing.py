"""How values look to people; and what a spreadsheet must not take for a formula."""

from datetime import UTC, datetime

from beseda.services.report.content import Cell, Kind

# What Excel and its kin run when a cell begins with it (OWASP: CSV injection), and what leads up to it unseen.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THIN = "\u202f"


def write_value(value: Cell, kind: Kind, language: str) -> str:
    """Return a value for people to read."""
    if value is None or value == "":
        return "—"
    if isinstance(value, datetime):
        return write_day(value, language) if kind is Kind.DAY else write_moment(value, language)
    return value if isinstance(value, str) else _write_amount(value, kind, language)


def _write_amount(value: float, kind: Kind, language: str) -> str:
    match kind:
        case Kind.MONEY:
            return "$" + write_number(value, 2 if abs(value) >= 1 or not value else 4, language)
        case Kind.PERCENT:
            return write_number(value, 1, language) + ("\u00a0%" if language == "ru" else "%")
        case Kind.SECONDS:
            return write_number(value / 1000, 1, language) + ("\u00a0с" if language == "ru" else "\u00a0s")
        case Kind.NUMBER:
            return str(value)
        case _:
            return write_number(value, 0, language)


def write_number(value: float, places: int, language: str) -> str:
    """Return a number with its digits in groups of three."""
    text = f"{value:,.{places}f}"
    return text.replace(",", _THIN).replace(".", ",") if language == "ru" else text


def write_day(value: datetime, language: str) -> str:
    """Return a date."""
    return f"{value:%d.%m.%Y}" if language == "ru" else f"{value:%Y-%m-%d}"


def write_short_day(day: str, language: str) -> str:
    """Return an ISO date without its year, as a chart shows it."""
    _, month, number = day.split("-")
    return f"{number}.{month}" if language == "ru" else f"{_MONTHS[int(month) - 1]} {int(number)}"


def write_moment(value: datetime, language: str) -> str:
    """Return a date and a time in UTC."""
    return f"{write_day(value.astimezone(UTC), language)} {value.astimezone(UTC):%H:%M}"


def defuse(text: str) -> str:
    """Return text that a spreadsheet takes for text, whatever somebody has called themselves."""
    return f"'{text}" if text.startswith(_RISKY) or text.lstrip(" \u00a0\ufeff").startswith(_RISKY) else text
