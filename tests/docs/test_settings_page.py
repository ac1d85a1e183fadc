"""The errors on the page about settings are those that the program prints."""

import re
from pathlib import Path

from scripts.source import ROOT
from tests.acceptance.program import Program

CONFIG = """
web:
  prot: 9000
models:
  keys:
    groq: gsk_a-key-of-the-owner
storage:
  database_url: postgresql://beseda:${POSTGRES_PASSWORD}@db.local/beseda
"""


async def test_errors_of_the_page_are_those_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / ".env").write_text("BESEDA_PORT=http\nBOT_TOKEN=my-bot\n", "utf-8")
    outcome = await Program(tmp_path)("doctor")
    page = (ROOT / "docs/how-to/settings.md").read_text("utf-8")
    shown = re.findall(r"^beseda: .*$", page, re.MULTILINE)
    assert len(shown) == 5
    assert (outcome.code, outcome.err.splitlines()) == (2, shown)
