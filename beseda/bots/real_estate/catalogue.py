"""The owner's list of homes: a CSV file from a spreadsheet, read completely or rejected with the faulty line."""

import asyncio
import contextlib
import csv
import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from beseda.bots.real_estate.property_listing import PropertyListing
from beseda.core.errors import SettingsError

log = logging.getLogger(__name__)

FILE_NAME = "real_estate.csv"
SAMPLE = Path(__file__).with_name("sample_listings.csv")

_LARGEST = 10 * 1024 * 1024  # bytes: some 50,000 homes
_ID = re.compile(r"[^\W_][\w-]{0,19}")
_NOISE = re.compile(r"[\s\u00a0\u202f]|₽|руб(?:лей|ля|\.)?|р\.|м²|м2|кв\.?м\.?|m²|m2")
# What a column may be called; the first name is the one we tell people.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "номер", "код", "артикул"),
    "district": ("district", "район"),
    "rooms": ("rooms", "комнат", "комнаты", "количество комнат"),
    "area": ("area", "площадь", "общая площадь"),
    "price": ("price", "цена", "стоимость"),
    "address": ("address", "адрес"),
    "floor": ("floor", "этаж"),
    "transport": ("transport", "транспорт", "метро"),
    "infrastructure": ("infrastructure", "инфраструктура"),
    "handover": ("handover", "сдача", "срок сдачи"),
    "note": ("note", "примечание", "описание", "комментарий"),
}
_NEEDED = ("id", "district", "rooms", "area", "price")
_STUDIO = {"студия", "студ", "studio", "ст"}
_LONGEST_TEXT = 200  # characters of one cell: the model reads them


@dataclass(frozen=True)
class PropertyCatalogue:
    """All homes of one file. `is_sample` is whether they are made-up examples of ours."""

    listings: Sequence[PropertyListing]
    is_sample: bool = False

    @cached_property
    def by_id(self) -> Mapping[str, PropertyListing]:
        """Every home by its id, in capital letters."""
        return {listing.id.upper(): listing for listing in self.listings}

    @cached_property
    def districts(self) -> Sequence[str]:
        """The districts that occur, in alphabetical order."""
        return sorted({listing.district for listing in self.listings})


class CatalogueShelf:
    """Catalogues by file, read again when the file has changed."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], PropertyCatalogue | None]] = {}

    async def load(self, path: Path, *, is_sample: bool = False) -> PropertyCatalogue | None:
        """Return the catalogue of a file, or None if there is no such file. Raises SettingsError."""
        return await asyncio.to_thread(self._load, path, is_sample=is_sample)

    async def find(self, path: Path, *, is_sample: bool = False) -> PropertyCatalogue | None:
        """Return the catalogue of a file, or None if there is no such file.

        If the file has become invalid, the fault is logged and the catalogue that was read last is returned.
        """
        try:
            return await self.load(path, is_sample=is_sample)
        except SettingsError as error:
            log.warning("%s", error.detail)
            last = self._read.get(path)
            kept = last[1] if last else None
            with contextlib.suppress(SettingsError):  # not even its date can be read: it is said each time
                if (stamp := self._stamp(path)) is not None:
                    self._read[path] = (stamp, kept)  # so that it is said once
            return kept

    def _load(self, path: Path, *, is_sample: bool) -> PropertyCatalogue | None:
        stamp = self._stamp(path)
        if stamp is None:
            return None
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            self._read[path] = known = (stamp, PropertyCatalogue(read_listings(path), is_sample))
        return known[1]

    def _stamp(self, path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
        return status.st_mtime_ns, status.st_size


def read_listings(path: Path) -> list[PropertyListing]:
    """Return the homes of a CSV file: UTF-8 or Windows-1251, commas, semicolons or tabs.

    Raises SettingsError with the file and, if known, the line and the column of the fault.
    """
    text = _decode(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_find_delimiter(text), strict=True)
    try:
        header = next(reader, [])
        places = _find_columns(path, header)
        listings = list(_read_rows(path, ((reader.line_num, row) for row in reader), places))
    except csv.Error as error:
        raise SettingsError(f"{path}: line {reader.line_num}: this is no CSV ({error})") from error
    if not listings:
        raise SettingsError(f"{path}: there is no home in it; remove the file if there are none")
    return listings


def _decode(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"{path} is over {_LARGEST // 1024 // 1024} MB: keep the homes that are for sale now")
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    if b"\x00" in content:
        raise SettingsError(f"{path} is no text in UTF-8 or Windows-1251: save it as “CSV UTF-8”")
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SettingsError(f"{path} is no text in UTF-8 or Windows-1251: save it as “CSV UTF-8”")


def _find_delimiter(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(";,\t", key=header.count)


def _find_columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    names = [" ".join(name.lower().replace("ё", "е").split()).split(",")[0] for name in header]
    places = {}
    for column, known in _COLUMNS.items():
        found = [number for number, name in enumerate(names) if name in known]
        if len(found) > 1:
            raise SettingsError(f"{path}: line 1: the column {column!r} is there twice")
        if found:
            places[column] = found[0]
    if missing := [column for column in _NEEDED if column not in places]:
        wanted = ", ".join(f"{column} (or {_COLUMNS[column][1]})" for column in missing)
        there = ", ".join(filter(None, names))[:200] or "nothing"
        raise SettingsError(f"{path}: line 1: missing columns: {wanted}; there are: {there}")
    return places


def _read_rows(
    path: Path, rows: Iterator[tuple[int, list[str]]], places: Mapping[str, int]
) -> Iterator[PropertyListing]:
    seen: dict[str, int] = {}
    for number, row in rows:
        cells = {column: row[place].strip() if place < len(row) else "" for column, place in places.items()}
        if not any(cells.values()):
            continue
        listing = _read_row(_Row(path, number, cells))
        if first := seen.get(listing.id.upper()):
            raise SettingsError(f"{path}: line {number}, column 'id': {listing.id!r} is in line {first} already")
        seen[listing.id.upper()] = number
        yield listing


@dataclass(frozen=True, slots=True)
class _Row:
    path: Path
    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        return " ".join(self.cells.get(column, "").split())[:_LONGEST_TEXT]

    def figure(self, column: str, lowest: float, highest: float) -> float:
        try:
            value = float(_NOISE.sub("", self.cells[column].lower()).replace(",", "."))
        except ValueError:
            raise self.refuse(column, "is not a number") from None
        if not lowest <= value <= highest:
            raise self.refuse(column, f"is not between {lowest:,.0f} and {highest:,.0f}")
        return value

    def refuse(self, column: str, why: str) -> SettingsError:
        given = self.cells[column][:40]
        return SettingsError(f"{self.path}: line {self.number}, column {column!r}: {given!r} {why}")


def _read_row(row: _Row) -> PropertyListing:
    if not _ID.fullmatch(row.text("id")):
        raise row.refuse("id", "is no id: up to 20 letters, digits and hyphens")
    if not row.text("district"):
        raise row.refuse("district", "is empty")
    rooms = 0 if row.text("rooms").lower() in _STUDIO else round(row.figure("rooms", 0, 20))
    return PropertyListing(
        id=row.text("id"),
        district=row.text("district"),
        rooms=rooms,
        area=row.figure("area", 5, 2000),
        price=round(row.figure("price", 10_000, 10_000_000_000)),
        **{name: row.text(name) for name in ("address", "floor", "transport", "infrastructure", "handover", "note")},
    )
