"""Packages that are installed have licences that a program under the MIT licence may use."""

import re

from scripts.licences import list_licences
from scripts.source import ROOT

# Permissive, or with conditions for changed files of the package alone (MPL-2.0).
ALLOWED = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
}


def test_every_locked_package_has_a_licence_that_is_allowed() -> None:
    found = {row.package: set(re.split(r" AND | OR |[()]", row.expression)) - {""} for row in list_licences()}
    assert len(found) > 50
    assert {package: names - ALLOWED for package, names in found.items() if names - ALLOWED} == {}


def test_every_locked_package_is_on_the_page() -> None:
    page = (ROOT / "docs/reference/licences.md").read_text("utf-8")
    assert [row.package for row in list_licences() if f"[{row.package}]" not in page] == []
