"""The texts of errors for users: by the name of the error in the catalogues, `errors.slot_taken` for SlotTakenError."""

from beseda.core.errors import BesedaError, BudgetExhaustedError, name_error
from beseda.locales.catalogue import FALLBACK, find_template
from beseda.locales.text import Text

_BUDGET_RENEWED = Text("errors.budget_renewed")


def error_text(kind: type[BesedaError]) -> Text:
    """Return the text of a class of errors: that of its nearest ancestor with a text in the catalogues."""
    names = (name_error(each) for each in kind.__mro__ if issubclass(each, BesedaError))
    return next(Text(f"errors.{name}") for name in names if find_template(f"errors.{name}", FALLBACK) is not None)


def explain(error: BesedaError, language: str) -> str:
    """Return the text of an error for the user. Its detail is left out."""
    if isinstance(error, BudgetExhaustedError) and error.retry_after is not None:
        hours, minutes = divmod(max(1, round(error.retry_after / 60)), 60)
        return _BUDGET_RENEWED.say(language, hours=hours, minutes=minutes)
    text = Text(f"errors.{error.text_name}") if error.text_name else error_text(type(error))
    return text.say(language)
