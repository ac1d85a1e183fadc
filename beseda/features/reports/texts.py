"""The words around a report."""

from beseda.locales import Text

SECONDS = Text("formats.seconds_unit")
FIGURES = Text("reports.figures")
BOTS = Text("reports.bots")
MADE = Text("reports.made")
REST = Text("reports.rest")
NOTHING = Text("reports.nothing")
EMPTY = Text("reports.empty")
CONVERSION_NOTE = Text("reports.conversion_note")
