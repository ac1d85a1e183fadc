"""The sentence that the owner reads on the strip when a model could not be connected."""

from beseda.core.errors import (
    BesedaError,
    CreditExhaustedError,
    KeyRejectedError,
    ModelNotFoundError,
    QuotaExceededError,
    SettingsError,
    ToolError,
)
from beseda.locales import Text

_STALE = Text("panel.stale")
_UNREACHABLE = Text("panel.unreachable")
_SENTENCES: tuple[tuple[type[BesedaError], Text], ...] = (
    (
        KeyRejectedError,
        Text("panel.key_rejected"),
    ),
    (
        CreditExhaustedError,
        Text("panel.credit_exhausted"),
    ),
    (
        QuotaExceededError,
        Text("panel.quota_exceeded"),
    ),
    (
        ModelNotFoundError,
        Text("panel.model_not_found"),
    ),
    (
        SettingsError,
        Text("panel.not_a_key"),
    ),
    (
        ToolError,
        Text("panel.model_not_started"),
    ),
)


def explain_problem(error: BesedaError | None) -> dict[str, str]:
    """Return the sentence for an error in every language; None is a request with a token that was used."""
    if error is None:
        text = _STALE
    else:
        text = next((text for kind, text in _SENTENCES if isinstance(error, kind)), _UNREACHABLE)
    return text.by_language()
