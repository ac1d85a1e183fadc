"""The words around a report."""

from beseda.kit.texts import Text

FIGURES = Text("Показатели", "Figures")
BOTS = Text("Все боты", "All bots")
MADE = Text("Составлен {at} UTC · дни и часы по UTC", "Made {at} UTC · days and hours in UTC")
REST = Text(
    "Показаны первые {shown} строк. Весь список — в файлах CSV и XLSX.",
    "The first {shown} rows. The whole list is in the CSV and XLSX files.",
)
NOTHING = Text("За этот период ничего не было.", "Nothing happened in this period.")
EMPTY = Text("Список пуст.", "The list is empty.")
CONVERSION_NOTE = Text(
    "Конверсия — доля выигранных среди лидов, пришедших за период.",
    "Conversion is the share won of the leads that came in the period.",
)
