"""What may be wrong with a funnel.yaml, and what is said of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from beseda.bots.catalog import BUNDLED, Catalog
from beseda.bots.sales.funnel_file import read_funnel
from beseda.core.errors import SettingsError
from tests.unit.bots.test_catalog import refusal, write_bot

Spoil = Callable[[dict[str, Any]], object]


def load() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((BUNDLED / "sales" / "funnel.yaml").read_text("utf-8"))
    return content


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda c: c.pop("stages"), "stages: is missing"),
        (lambda c: c.update(stage=1), "stage: there is no such key"),
        (lambda c: c["fit"].pop(), "the weights of fit make 90, not 100"),
        (lambda c: c["fit"][0].update(all=["name"]), "fit.0: points are for either `any` or `all`"),
        (lambda c: c["stages"][1]["asks"].append("shoe"), "stage discovery names the slot 'shoe'"),
        (lambda c: c["stages"][1]["enter"].update(signals=["nods"]), "stage discovery: there is no signal 'nods'"),
        (lambda c: c["stages"].append(c["stages"][0]), "there are two stages greeting"),
        (lambda c: c["stages"][0].update(temperature=3), "stages.0.temperature: "),
        (lambda c: c["slots"]["name"]["title"].pop("ru"), "slots.name.title.ru: is missing"),
        (lambda c: c.update(confirm_from=0.9), "confirm_from is above accept_from"),
        (lambda c: c.update(offer_from=101), "offer_from: "),
        (lambda c: c["slots"]["phone"].pop("contact"), "slots.phone: needs `contact: true`"),
        (lambda c: c["lengths"].reverse(), "lengths: a rule without `words`"),
        (lambda c: c["slots"].update(x=None), "slots.x: should be a list of `name: value`"),
    ],
)
def test_mistake_is_reported_with_its_place(tmp_path: Path, spoil: Spoil, fault: str) -> None:
    content = load()
    spoil(content)
    place = write_bot(tmp_path)
    (place / "funnel.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    said = refusal(Catalog([tmp_path]))
    assert "funnel.yaml: " in said
    assert fault in said


@pytest.mark.parametrize("content", ["", "- a", "stages: [", "\x00", "a: " + "x" * 300_000, "[" * 5_000])
def test_invalid_funnel_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "funnel.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"funnel\.yaml"):
        read_funnel(path)


def test_commands_of_a_sale_need_a_funnel(tmp_path: Path) -> None:
    bot = "title: {ru: а, en: a}\nabout: {ru: а, en: a}\ngreeting: {ru: а, en: a}\ncommands: [start, help, meetings]\n"
    place = write_bot(tmp_path, text=bot)
    assert "nobody handles /meetings" in refusal(Catalog([tmp_path]))
    (place / "funnel.yaml").write_text(yaml.safe_dump(load(), allow_unicode=True), "utf-8")
    assert "meetings" in Catalog([tmp_path]).load("sales").commands
