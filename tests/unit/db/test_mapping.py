from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select

from beseda.db.mapping import Codec, RowMapping
from beseda.db.types import CleanText, UtcTime


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Box:
    width: int
    height: int


@dataclass(frozen=True)
class Parcel:
    id: int
    size: Size
    box: Box
    tags: tuple[str, ...]
    facts: Mapping[str, object] | None
    seen_at: datetime | None
    label: str = ""
    notes: tuple[str, ...] = ()


parcels = Table(
    "parcels",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("size", Text),
    Column("width", Integer),
    Column("tall", Integer),
    Column("tags", Text),
    Column("facts", CleanText),
    Column("seen_at", UtcTime),
    Column("label", Text),
    Column("secret", Text),
)
MOMENT = datetime(2026, 11, 20, 9, 0, 0, 1, tzinfo=UTC)
PARCEL = Parcel(1, Size.LARGE, Box(3, 4), ("a", "b"), {"weight": 2.5}, MOMENT, "née")
WORDS = Codec(lambda text: tuple(text.split()), " ".join)


@pytest.fixture
def mapping() -> RowMapping[Parcel]:
    return RowMapping(Parcel, parcels, without={"notes"}, names={"height": "tall"}, codecs={"tags": WORDS})


@pytest.mark.parametrize("parcel", [PARCEL, Parcel(1, Size.SMALL, Box(0, 0), (), None, None)])
def test_a_row_comes_back_as_it_was(mapping: RowMapping[Parcel], parcel: Parcel) -> None:
    engine = create_engine("sqlite://")
    parcels.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(parcels).values(mapping.values(parcel)))
        row = connection.execute(select(*mapping.columns)).one()
    assert mapping.load(row, notes=("given",)) == Parcel(**{**vars(parcel), "notes": ("given",)})
    assert mapping.load_all([row]) == [parcel]


def test_columns_are_those_of_fields_in_the_order_of_the_table(mapping: RowMapping[Parcel]) -> None:
    names = ["id", "size", "width", "tall", "tags", "facts", "seen_at", "label"]
    assert [column.key for column in mapping.columns] == names


def test_values_are_plain_and_can_be_left_out(mapping: RowMapping[Parcel]) -> None:
    values = mapping.values(PARCEL, without={"id", "tall"})
    assert values == {
        "size": "large",
        "width": 3,
        "tags": "a b",
        "facts": '{"weight":2.5}',
        "seen_at": MOMENT,
        "label": "née",
    }
    assert type(values["size"]) is str


def test_a_field_without_a_column_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Parcel\.notes has no column in parcels"):
        RowMapping(Parcel, parcels, names={"height": "tall"})
