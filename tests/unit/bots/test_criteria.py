"""What somebody wants of a home, read from their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.bots.real_estate.criteria import find_district, parse_criteria, read_criteria
from beseda.bots.real_estate.property_listing import Criteria, PropertyWish

DISTRICTS = ["Заречный", "Парковый", "Приморский", "Северный", "Старый Город", "Центральный"]
M = 1_000_000


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("до 12 млн", (None, 12 * M)),
        ("не дороже 9,5 миллионов", (None, 9_500_000)),
        ("бюджет 10 000 000 рублей", (None, 10 * M)),
        ("бюджет 10000000", (None, 10 * M)),
        ("за 8 млн", (None, 8 * M)),
        ("от 8 до 12 млн", (8 * M, 12 * M)),
        ("8-12 млн руб.", (8 * M, 12 * M)),
        ("8 млн – 12 млн", (8 * M, 12 * M)),
        ("900 тыс до 1,2 млн", (900_000, 1_200_000)),
        ("от 7 млн", (7 * M, None)),
        ("около 10 млн", (9 * M, 11 * M)),
        ("under 15 million", (None, 15 * M)),
        ("up to 12m", (None, 12 * M)),
        ("at least 5 million", (5 * M, None)),
        ("12 лямов", (None, 12 * M)),
        ("500 рублей", (None, None)),
        ("в 2027 году", (None, None)),
        ("квартира 54 метра", (None, None)),
        ("+7 912 345 67 89", (None, None)),
        ("10 m from the sea", (None, None)),
    ],
)
def test_budget(text: str, bounds: tuple[int | None, int | None]) -> None:
    criteria = parse_criteria(text, DISTRICTS)
    assert (criteria.price_from, criteria.price_to) == bounds


@pytest.mark.parametrize(
    ("text", "rooms"),
    [
        ("студию", {0}),
        ("однушка", {1}),
        ("двухкомнатную", {2}),
        ("двушку или трёшку", {2, 3}),
        ("2-комнатная", {2}),
        ("2-3 комнаты", {2, 3}),
        ("3х комнатная", {3}),
        ("2к", {2}),
        ("евродвушка", {2}),
        ("три комнаты", {3}),
        ("studio", {0}),
        ("3 rooms", {3}),
        ("two-bedroom flat", {3}),
        ("1 bedroom", {2}),
        ("12 комнат", set()),
        ("500к", set()),
        ("квартира", set()),
    ],
)
def test_rooms(text: str, rooms: set[int]) -> None:
    assert parse_criteria(text, DISTRICTS).rooms == rooms


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("от 50 м²", (50, None)),
        ("50-60 кв.м", (50, 60)),
        ("до 45 квадратов", (None, 45)),
        ("площадью 50 метров", (45, 55)),
        ("60 sqm", (54, 66)),
        ("from 40 to 50 square metres", (40, 50)),
        ("двушка 54 м", (48.6, 59.4)),
        ("двушка", (None, None)),
        ("200 метров до метро", (None, None)),
        ("500 м от парка", (None, None)),
    ],
)
def test_area(text: str, bounds: tuple[float | None, float | None]) -> None:
    criteria = parse_criteria(text, DISTRICTS)
    assert (criteria.area_from, criteria.area_to) == pytest.approx(bounds)


@pytest.mark.parametrize(
    ("text", "district"),
    [
        ("в приморском районе", "Приморский"),
        ("Приморский", "Приморский"),
        ("недалеко от Заречного", "Заречный"),
        ("в старом городе", "Старый Город"),
        ("Старого города", "Старый Город"),
        ("in Primorsky", "Приморский"),
        ("Сколько стоит однушка в центре?", "Центральный"),
        ("в самом центре города", "Центральный"),
        ("a flat in the city centre", "Центральный"),
        ("downtown, please", "Центральный"),
        ("на севере города", "Северный"),
        ("рядом торговый центр", ""),
        ("в центре внимания цена", ""),
        ("на юге", ""),
        ("у парка", ""),
        ("в городе", ""),
        ("старый дом", ""),
    ],
)
def test_district_in_any_form_and_alphabet(text: str, district: str) -> None:
    assert find_district(text, DISTRICTS) == district


def test_all_concurrently() -> None:
    criteria = parse_criteria(
        "Ищу двушку 50-60 м² до 12 млн в Приморском, у метро, рядом школа, сданный дом", DISTRICTS
    )
    assert criteria == Criteria(
        None,
        12 * M,
        50,
        60,
        frozenset({2}),
        "Приморский",
        frozenset({*PropertyWish} - {PropertyWish.BUDGET, PropertyWish.ROOMS, PropertyWish.DISTRICT}),
    )
    assert criteria.missing() == []


def test_last_value_counts_and_the_rest_stays() -> None:
    criteria = read_criteria(["двушка до 12 млн", "лучше трёшку", "в Северном"], DISTRICTS)
    assert (criteria.price_to, criteria.rooms, criteria.district) == (12 * M, frozenset({3}), "Северный")


def test_missing_wishes_in_the_order_of_asking() -> None:
    assert parse_criteria("квартиру", DISTRICTS).missing() == list(PropertyWish)
    assert parse_criteria("до 10 млн, район не важен", DISTRICTS).missing() == [
        PropertyWish.ROOMS,
        PropertyWish.TRANSPORT,
        PropertyWish.INFRASTRUCTURE,
        PropertyWish.HANDOVER,
    ]


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse_criteria(text, DISTRICTS)


@pytest.mark.parametrize("text", ["111 " * 25_000, "1-" * 50_000, "от 1 до " * 12_000, "1" * 100_000, "а" * 100_000])
def test_huge_message_is_read_and_does_not_hang(text: str) -> None:
    assert parse_criteria(text, DISTRICTS).district == ""
