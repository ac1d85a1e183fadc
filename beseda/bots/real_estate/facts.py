"""Facts from the catalogue for a wish: as instructions for the model and as lines under the answer."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from beseda.bots.real_estate.catalogue import PropertyCatalogue
from beseda.bots.real_estate.property_listing import (
    Criteria,
    Estimate,
    Found,
    PropertyListing,
    PropertyWish,
    estimate_price,
    find_listings,
)
from beseda.locales import BotTexts, Text
from beseda.telegram.markdown.escape import literal

TEXTS = BotTexts(Path(__file__).parent)
_SHOWN = 3  # homes under an answer that names none itself
_BRACKETED = re.compile(r"\[([^\[\]\n]{1,24})\](?!\()")
_LOOKS_LIKE_ID = re.compile(r"[^\W\d_]{1,6}-?\d{1,6}|\d{2,8}")

_WISHES = {
    PropertyWish.BUDGET: "budget",
    PropertyWish.ROOMS: "number of rooms",
    PropertyWish.DISTRICT: "district",
    PropertyWish.TRANSPORT: "transport",
    PropertyWish.INFRASTRUCTURE: "infrastructure (school, shops, park)",
    PropertyWish.HANDOVER: "handover: ready, or when",
}
_NO_CATALOGUE = (
    "Catalogue: none. The owner has not supplied one, so you know of no home for sale. Where homes or prices are asked "
    "for, say that there is no catalogue yet; help with criteria, questions to a seller and what to check instead. "
    "Name no home, no address, no id and no price."
)
_HOMES = Text("homes", TEXTS)
_NEAR = Text("near", TEXTS)
_PRICE = Text("price", TEXTS)
_TOTAL = Text("total", TEXTS)
_INVENTED = Text("invented", TEXTS)
_SAMPLE = Text("sample", TEXTS)
_SCOPES = {
    (True, True): Text("scopes.district_and_rooms", TEXTS),
    (True, False): Text("scopes.district", TEXTS),
    (False, True): Text("scopes.rooms", TEXTS),
    (False, False): Text("scopes.area", TEXTS),
}
_HOME, _HOME_PRICE = Text("home", TEXTS), Text("home_price", TEXTS)
_DECIMAL = Text("formats.decimal")
_STUDIO, _ROOMS = Text("studio", TEXTS), Text("rooms", TEXTS)


@dataclass(frozen=True)
class Advice:
    """A wish and a catalogue, which may be missing. `is_asked` is whether the last message was about homes."""

    criteria: Criteria
    catalogue: PropertyCatalogue | None
    is_asked: bool = True

    @cached_property
    def found(self) -> Found | None:
        """The matching homes, or None without a catalogue or without criteria."""
        if self.catalogue is None or not self.criteria.is_filter:
            return None
        return find_listings(self.catalogue.listings, self.criteria)

    @cached_property
    def estimate(self) -> Estimate | None:
        """The price of such a home, or None if it cannot be estimated."""
        return estimate_price(self.catalogue.listings, self.criteria) if self.catalogue else None

    def instruct(self) -> str:
        """Return the facts as instructions for the model."""
        return "\n\n".join(filter(None, [self._tell_wishes(), self._tell_homes(), self._tell_price()]))

    def describe(self, said: str, language: str) -> str:
        """Return the Markdown under an answer: homes it did not name, the estimate, a warning of made-up ids.

        Under an answer to a message that is not about homes, such as “thank you”, only the warning is shown. A note
        about sample homes is added to anything from the sample catalogue.
        """
        blocks = [self._warn(said, language)]
        if self.is_asked:
            blocks += [self._show_homes(said, language), self._show_price(language)]
        if self.catalogue is not None and self.catalogue.is_sample and any(blocks):
            blocks.append(_SAMPLE.say(language))
        return "\n\n".join(filter(None, blocks))

    def invented(self, said: str) -> list[str]:
        """Return the words in an answer that look like ids of homes and are not in the catalogue."""
        known = self.catalogue.by_id if self.catalogue else {}
        marked = {word.strip() for word in _BRACKETED.findall(said) if _LOOKS_LIKE_ID.fullmatch(word.strip())}
        if not any(word.isdigit() for word in known):
            marked = {word for word in marked if not word.isdigit()}  # a year, a footnote
        if prefixes := "|".join(sorted({re.escape(word.partition("-")[0]) for word in known if "-" in word})):
            marked |= set(re.findall(rf"(?<![\w-])(?:{prefixes})-\d+(?![\w-])", said))
        return sorted(word for word in marked if word.upper() not in known)

    def _tell_wishes(self) -> str:
        missing = ", ".join(_WISHES[wish] for wish in self.criteria.missing())
        said = _tell_criteria(self.criteria)
        return f"Said so far: {said or 'nothing yet'}.\nMissing criteria: {missing or 'none'}."

    def _tell_homes(self) -> str:
        if self.catalogue is None:
            return _NO_CATALOGUE
        head = f"Catalogue: {len(self.catalogue.listings)} homes in {', '.join(self.catalogue.districts)}."
        if self.catalogue.is_sample:
            head += " It is a sample with made-up homes: say so when you name one."
        if self.found is None:
            return f"{head} Nothing to search by has been said yet, so name no home."
        if not self.found.listings:
            return f"{head} Nothing in it fits or comes near. Say so and suggest which criterion to loosen."
        kind = "that fit" if self.found.exact else "near the wish; none fits exactly, say so"
        lines = "\n".join(_tell_home(listing) for listing in self.found.listings)
        return f"{head} Homes {kind} ({self.found.total}, these first):\n{lines}"

    def _tell_price(self) -> str:
        estimate = self.estimate
        if estimate is None:
            return "Price check: not possible with what is known." if self.catalogue else ""
        scope = _SCOPES[estimate.same_district, estimate.same_rooms].say("en")
        text = (
            f"Price check: median {estimate.metre:,.0f} roubles per m², from {estimate.lowest:,.0f} to "
            f"{estimate.highest:,.0f}, over {estimate.count} homes ({scope})."
        )
        if estimate.total is not None:
            text += f" For {estimate.area:.0f} m² about {estimate.total:,.0f} roubles."
        return text

    def _show_homes(self, said: str, language: str) -> str:
        if self.catalogue is None or self.found is None or not self.found.listings:
            return ""
        if any(_is_cited(listing, said) for listing in self.found.listings):
            return ""
        head = (_HOMES if self.found.exact else _NEAR).say(language)
        lines = "\n".join(f"- {_show_home(listing, language)}" for listing in self.found.listings[:_SHOWN])
        return f"{head}\n\n{lines}"

    def _show_price(self, language: str) -> str:
        estimate = self.estimate
        if estimate is None:
            return ""
        text = _PRICE.say(
            language,
            scope=_SCOPES[estimate.same_district, estimate.same_rooms].say(language),
            count=estimate.count,
            metre=_thousands(estimate.metre),
            lowest=_thousands(estimate.lowest),
            highest=_thousands(estimate.highest),
        )
        if estimate.total is not None and estimate.area is not None:
            text += _TOTAL.say(language, area=f"{estimate.area:.0f}", total=_millions(estimate.total, language))
        return text

    def _warn(self, said: str, language: str) -> str:
        ids = self.invented(said)
        return _INVENTED.say(language, ids=", ".join(literal(word) for word in ids)) if ids else ""


def _is_cited(listing: PropertyListing, said: str) -> bool:
    """Return whether an answer names a home; an id of digits alone counts in brackets only."""
    word = rf"\[{re.escape(listing.id)}\]" if listing.id.isdigit() else rf"(?<![\w-]){re.escape(listing.id)}(?![\w-])"
    return re.search(word, said, re.IGNORECASE) is not None


def _tell_criteria(criteria: Criteria) -> str:
    parts = []
    if criteria.price_from is not None or criteria.price_to is not None:
        parts.append("budget " + _tell_bounds(criteria.price_from, criteria.price_to, "roubles"))
    if criteria.rooms:
        parts.append("rooms " + " or ".join("studio" if not count else str(count) for count in sorted(criteria.rooms)))
    if criteria.area_from is not None or criteria.area_to is not None:
        parts.append("area " + _tell_bounds(criteria.area_from, criteria.area_to, "m²"))
    if criteria.district:
        parts.append(f"district {criteria.district}")
    parts += [f"{wish.value} was mentioned" for wish in PropertyWish if wish in criteria.mentioned]
    return "; ".join(parts)


def _tell_bounds(lowest: float | None, highest: float | None, unit: str) -> str:
    bounds = [("from", lowest), ("to", highest)]
    return " ".join(f"{word} {value:,.0f}" for word, value in bounds if value is not None) + f" {unit}"


def _tell_home(listing: PropertyListing) -> str:
    rooms = f"{listing.rooms} rooms" if listing.rooms else "studio"
    facts = [
        f"{rooms}, {listing.area:g} m², {listing.price:,} roubles ({listing.metre_price:,.0f} per m²)",
        listing.district,
        listing.address,
        f"floor {listing.floor}" if listing.floor else "",
        listing.transport,
        listing.infrastructure,
        f"handover: {listing.handover}" if listing.handover else "",
        listing.note,
    ]
    return f"[{listing.id}] " + "; ".join(filter(None, facts))


def _show_home(listing: PropertyListing, language: str) -> str:
    rooms = _ROOMS.say(language, rooms=listing.rooms) if listing.rooms else _STUDIO.say(language)
    home = _HOME.say(
        language,
        id=literal(listing.id),
        rooms=rooms,
        area=f"{listing.area:g}".replace(".", _DECIMAL.say(language)),
        district=literal(listing.district),
        price=_HOME_PRICE.say(language, millions=_millions(listing.price, language)),
    )
    return f"{home} · {literal(listing.transport)}" if listing.transport else home


def _thousands(value: float) -> str:
    return f"{round(value, -2):,.0f}".replace(",", "\u00a0")


def _millions(value: float, language: str) -> str:
    text = f"{value / 1_000_000:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", _DECIMAL.say(language))
