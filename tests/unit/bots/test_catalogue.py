"""The owner's list of homes: as spreadsheets save it, or refused with file, line and column."""

import os
from pathlib import Path

import pytest

from beseda.bots.real_estate.catalogue import SAMPLE, CatalogueShelf, read_listings
from beseda.core.errors import SettingsError

HEADER = "id;район;комнат;площадь;цена;метро"
ROW = "A-1;Северный;2;54,5;11 200 000 ₽;Озёрная"


def _write(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "real_estate.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_encodings_that_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    path = _write(tmp_path, HEADER, ROW.replace(" ₽", ""), encoding=encoding)
    [home] = read_listings(path)
    assert (home.id, home.district, home.rooms, home.area, home.price) == ("A-1", "Северный", 2, 54.5, 11_200_000)
    assert home.transport == "Озёрная"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators(tmp_path: Path, mark: str) -> None:
    row = ["A-1", "Северный", "студия", "22.5", "5000000"]
    path = _write(tmp_path, mark.join(["id", "district", "rooms", "area", "price"]), mark.join(row))
    assert read_listings(path)[0].rooms == 0


def test_columns_in_any_order_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    path = _write(tmp_path, "фото;Цена, руб;ID;Площадь;Комнат;Район", "x;5000000;7;30;1;Юг", ";;;;;", "")
    assert [home.id for home in read_listings(path)] == ["7"]


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        (["id;район;комнат;площадь", ""], ["line 1", "price (or цена)"]),
        ([""], ["line 1", "id", "nothing"]),
        ([HEADER], ["no home"]),
        ([HEADER, ROW, "A-2;Юг;2;fifty;1"], ["line 3", "'area'", "'fifty'", "not a number"]),
        ([HEADER, "A-2;Юг;2;50;-5"], ["line 2", "'price'", "between"]),
        ([HEADER, "A-2;Юг;2;50"], ["line 2", "'price'"]),
        ([HEADER, ";Юг;2;50;5000000"], ["line 2", "'id'"]),
        ([HEADER, "A-1;;2;50;5000000"], ["line 2", "'district'", "empty"]),
        ([HEADER, ROW, ROW], ["line 3", "'id'", "line 2 already"]),
        (["id;район;комнат;площадь;цена;стоимость", "1;2;3;4;5;6"], ["line 1", "'price'", "twice"]),
        ([HEADER, '"A-1;Юг;2'], ["line 2", "no CSV"]),
    ],
)
def test_fault_is_reported_with_file_line_and_column(tmp_path: Path, lines: list[str], parts: list[str]) -> None:
    path = _write(tmp_path, *lines)
    with pytest.raises(SettingsError) as caught:
        read_listings(path)
    assert str(path) in caught.value.detail
    assert [part for part in parts if part not in caught.value.detail] == []
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "content",
    [HEADER.encode("utf-16"), b"PK\x03\x04\x00\x00", "id;район\n1;\u2603".encode() + b"\xff\x98"],
    ids=["utf-16", "spreadsheet", "broken"],
)
def test_invalid_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "real_estate.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="UTF-8 or Windows-1251"):
        read_listings(path)


def test_another_encoding_shows_in_its_columns(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing columns: district"):
        read_listings(_write(tmp_path, HEADER, ROW.replace(" ₽", ""), encoding="koi8-r"))


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_listings(tmp_path)


def test_file_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "real_estate.csv"
    with path.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    with pytest.raises(SettingsError, match="over 10 MB"):
        read_listings(path)


def test_sample_is_a_catalogue() -> None:
    homes = read_listings(SAMPLE)
    assert len(homes) >= 40
    assert all(home.id.startswith("S-") and "учебный пример" in home.note for home in homes)


async def test_missing_file_is_no_catalogue(tmp_path: Path) -> None:
    assert await CatalogueShelf().load(tmp_path / "none.csv") is None


async def test_changed_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    shelf = CatalogueShelf()
    path = _write(tmp_path, HEADER, ROW)
    first = await shelf.load(path)
    assert await shelf.load(path) is first
    _write(tmp_path, HEADER, ROW, ROW.replace("A-1", "A-2"))
    second = await shelf.find(path)
    assert second is not None
    assert len(second.listings) == 2
    _write(tmp_path, "nonsense")
    os.utime(path, (1, 1))
    assert await shelf.find(path) is second
