"""Which homes fit a wish, and what comparable ones cost."""

import pytest

from beseda.bots.real_estate.property_listing import Criteria, PropertyListing, estimate_price, find_listings

HOMES = [
    PropertyListing("A-1", "North", 1, 40.0, 4_000_000),
    PropertyListing("A-2", "North", 2, 50.0, 6_000_000),
    PropertyListing("A-3", "North", 2, 60.0, 6_600_000),
    PropertyListing("A-4", "North", 2, 55.0, 7_150_000),
    PropertyListing("B-1", "South", 2, 50.0, 10_000_000),
    PropertyListing("B-2", "South", 3, 80.0, 16_800_000),
]


def _ids(criteria: Criteria) -> list[str]:
    return [listing.id for listing in find_listings(HOMES, criteria).listings]


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (Criteria(rooms=frozenset({2}), district="North"), ["A-2", "A-3", "A-4"]),
        (Criteria(price_to=6_600_000, rooms=frozenset({2})), ["A-2", "A-3"]),
        (Criteria(price_from=10_000_000), ["B-1", "B-2"]),
        (Criteria(area_from=55, area_to=60), ["A-3", "A-4"]),
        (Criteria(rooms=frozenset({1, 3})), ["A-1", "B-2"]),
    ],
)
def test_homes_that_fit_come_cheapest_first(criteria: Criteria, ids: list[str]) -> None:
    assert find_listings(HOMES, criteria).exact
    assert _ids(criteria) == ids


def test_without_a_fit_near_ones_come_own_district_first() -> None:
    wish = Criteria(price_to=9_000_000, rooms=frozenset({2}), district="South")
    found = find_listings(HOMES, wish)
    assert not found.exact
    assert [listing.id for listing in found.listings] == ["B-1", "A-2", "A-3", "A-4"]


def test_nothing_near_is_nothing() -> None:
    assert _ids(Criteria(price_to=100_000, rooms=frozenset({4}))) == []


def test_estimate_is_the_median_of_comparable_homes() -> None:
    estimate = estimate_price(HOMES, Criteria(rooms=frozenset({2}), district="North", area_from=50, area_to=60))
    assert estimate is not None
    assert (estimate.metre, estimate.lowest, estimate.highest, estimate.count) == (120_000, 110_000, 130_000, 3)
    assert estimate.total == pytest.approx(120_000 * 55)
    assert estimate.same_district
    assert estimate.same_rooms


def test_estimate_gives_up_conditions_and_names_them() -> None:
    estimate = estimate_price(HOMES, Criteria(rooms=frozenset({1}), district="North"))
    assert estimate is not None
    assert (estimate.same_district, estimate.same_rooms, estimate.count) == (True, False, 4)


@pytest.mark.parametrize(
    "criteria",
    [Criteria(), Criteria(price_to=5_000_000), Criteria(rooms=frozenset({5}))],
    ids=["nothing", "budget", "rare"],
)
def test_no_estimate_if_too_little_can_be_compared(criteria: Criteria) -> None:
    assert estimate_price(HOMES, criteria) is None
