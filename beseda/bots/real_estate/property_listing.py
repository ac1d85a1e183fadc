"""Homes for sale: the listings of an owner, a person's criteria, and the prices of comparable homes.

Prices are in roubles, areas in square metres. A studio has 0 rooms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

_FEWEST = 3  # comparable homes from which a price may be worked out
_STRETCH = 1.15  # how far above a budget a near miss may lie
_ALIKE = 0.2  # how far the area of a comparable home may differ


class PropertyWish(StrEnum):
    """A fact that a person looking for a home should state, in the order of asking."""

    BUDGET = "budget"
    ROOMS = "rooms"
    DISTRICT = "district"
    TRANSPORT = "transport"
    INFRASTRUCTURE = "infrastructure"
    HANDOVER = "handover"


@dataclass(frozen=True, slots=True)
class PropertyListing:
    """One home of a catalogue; texts are the owner's words, or empty."""

    id: str
    district: str
    rooms: int
    area: float
    price: int
    address: str = ""
    floor: str = ""
    transport: str = ""
    infrastructure: str = ""
    handover: str = ""
    note: str = ""

    @property
    def metre_price(self) -> float:
        """Roubles for a square metre."""
        return self.price / self.area


@dataclass(frozen=True, slots=True)
class Criteria:
    """The criteria of a person; None or empty if they were not stated.

    `mentioned` also contains wishes that are not used as a filter.
    """

    price_from: int | None = None
    price_to: int | None = None
    area_from: float | None = None
    area_to: float | None = None
    rooms: frozenset[int] = frozenset()
    district: str = ""
    mentioned: frozenset[PropertyWish] = frozenset()

    def followed_by(self, later: "Criteria") -> "Criteria":
        """Return both combined; later statements take precedence."""
        budget = later if (later.price_from, later.price_to) != (None, None) else self
        space = later if (later.area_from, later.area_to) != (None, None) else self
        return Criteria(
            budget.price_from,
            budget.price_to,
            space.area_from,
            space.area_to,
            later.rooms or self.rooms,
            later.district or self.district,
            self.mentioned | later.mentioned,
        )

    @property
    def is_filter(self) -> bool:
        """Whether there is anything to look for homes by."""
        return replace(self, mentioned=frozenset()) != Criteria()

    @property
    def area(self) -> float | None:
        """The middle of the requested range of areas, or None if no area was stated."""
        known = [value for value in (self.area_from, self.area_to) if value is not None]
        return sum(known) / len(known) if known else None

    def missing(self) -> list[PropertyWish]:
        """Return the wishes that have not been stated yet."""
        said = set(self.mentioned)
        said |= {PropertyWish.BUDGET} if (self.price_from, self.price_to) != (None, None) else set()
        said |= {PropertyWish.ROOMS} if self.rooms else set()
        said |= {PropertyWish.DISTRICT} if self.district else set()
        return [wish for wish in PropertyWish if wish not in said]

    def fits(self, listing: PropertyListing) -> bool:
        """Return whether a home meets the criteria."""
        return (
            (not self.rooms or listing.rooms in self.rooms)
            and (not self.district or listing.district == self.district)
            and _lies_between(listing.price, self.price_from, self.price_to)
            and _lies_between(listing.area, self.area_from, self.area_to)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Homes for a person, the cheapest first; near matches begin with those of the district.

    `exact` is whether they meet the criteria or only come near them.
    """

    listings: Sequence[PropertyListing]
    total: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a square metre in comparable homes: median, lowest, highest, and the number of homes.

    `total` is for the requested area.
    """

    metre: float
    lowest: float
    highest: float
    count: int
    same_district: bool
    same_rooms: bool
    area: float | None = None

    @property
    def total(self) -> float | None:
        """The price of the whole home in roubles, or None if no area was stated."""
        return self.metre * self.area if self.area is not None else None


def find_listings(listings: Sequence[PropertyListing], criteria: Criteria, limit: int = 5) -> Found:
    """Return the homes that meet the criteria, or near matches if there are none.

    Near matches may lie in another district, have another size, or be slightly dearer.
    """
    fitting = [listing for listing in listings if criteria.fits(listing)]
    exact = bool(fitting)
    if not exact:
        dearer = round(criteria.price_to * _STRETCH) if criteria.price_to is not None else None
        looser = Criteria(price_to=dearer, rooms=criteria.rooms)
        fitting = [listing for listing in listings if looser.fits(listing)]
    ordered = sorted(fitting, key=lambda listing: (not exact and listing.district != criteria.district, listing.price))
    return Found(ordered[:limit], len(fitting), exact)


def estimate_price(listings: Sequence[PropertyListing], criteria: Criteria) -> Estimate | None:
    """Return the price of comparable homes.

    None if fewer than three homes are comparable, or if neither district, rooms nor area were stated. Comparable homes
    have the same district and rooms, and an area within 20 %. If they are too few, one condition after another is
    dropped; the estimate reports whether district and rooms are the same.
    """
    if not (criteria.district or criteria.rooms or criteria.area):
        return None
    for same_district, same_rooms, same_area in (
        (True, True, True),
        (True, True, False),
        (True, False, True),
        (True, False, False),
        (False, True, True),
        (False, True, False),
        (False, False, True),
    ):
        if _asks_what_was_not_said(criteria, same_district=same_district, same_rooms=same_rooms, same_area=same_area):
            continue
        wanted = Criteria(
            area_from=criteria.area * (1 - _ALIKE) if same_area and criteria.area else None,
            area_to=criteria.area * (1 + _ALIKE) if same_area and criteria.area else None,
            rooms=criteria.rooms if same_rooms else frozenset(),
            district=criteria.district if same_district else "",
        )
        prices = [listing.metre_price for listing in listings if wanted.fits(listing)]
        if len(prices) >= _FEWEST:
            figures = (median(prices), min(prices), max(prices), len(prices))
            return Estimate(*figures, same_district, same_rooms, criteria.area)
    return None


def _asks_what_was_not_said(criteria: Criteria, *, same_district: bool, same_rooms: bool, same_area: bool) -> bool:
    lacking = (not criteria.district, not criteria.rooms, criteria.area is None)
    return any(asked and lacks for asked, lacks in zip((same_district, same_rooms, same_area), lacking, strict=True))


def _lies_between(value: float, lowest: float | None, highest: float | None) -> bool:
    return (lowest is None or value >= lowest) and (highest is None or value <= highest)
