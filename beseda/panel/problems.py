"""The sentence that the owner reads on the strip when a model could not be connected."""

from beseda.errors import (
    BesedaError,
    CreditExhaustedError,
    KeyRejectedError,
    ModelNotFoundError,
    QuotaExceededError,
    SettingsError,
    ToolError,
)
from beseda.locales import Text

_STALE = Text(
    ru="Страница устарела. Обновите её и попробуйте ещё раз.",
    en="This page is out of date. Reload it and try again.",
)
_UNREACHABLE = Text(
    ru="Сервис не отвечает. Проверьте интернет и попробуйте ещё раз.",
    en="The service does not answer. Check the internet connection and try again.",
)
_SENTENCES: tuple[tuple[type[BesedaError], Text], ...] = (
    (
        KeyRejectedError,
        Text(
            ru="Сервис не принял ключ. Скопируйте его ещё раз, целиком.",
            en="The service did not accept the key. Copy it again, the whole of it.",
        ),
    ),
    (
        CreditExhaustedError,
        Text(
            ru="Ключ подходит, но на счёте нет денег. Пополните счёт и попробуйте ещё раз.",
            en="The key is right, but the account is empty. Top it up and try again.",
        ),
    ),
    (
        QuotaExceededError,
        Text(
            ru="Ключ подходит, но запросов слишком много. Подождите минуту и попробуйте ещё раз.",
            en="The key is right, but there were too many requests. Wait a minute and try again.",
        ),
    ),
    (
        ModelNotFoundError,
        Text(
            ru="Ключ подходит, но модели по умолчанию там нет. Выберите другую через BESEDA_MODEL.",
            en="The key is right, but the default model is not there. Choose another one with BESEDA_MODEL.",
        ),
    ),
    (
        SettingsError,
        Text(
            ru="Это не похоже на ключ этого сервиса. Проверьте, что скопировали и какой сервис выбран.",
            en="This does not look like a key of this service. Check the text and the service that is chosen.",
        ),
    ),
    (
        ToolError,
        Text(
            ru="Модель не запустилась на этом компьютере. Подробности в журнале.",
            en="The model did not start on this machine. The log has the details.",
        ),
    ),
)


def explain_problem(error: BesedaError | None) -> dict[str, str]:
    """Return the sentence for an error in every language; None is a request with a token that was used."""
    if error is None:
        text = _STALE
    else:
        text = next((text for kind, text in _SENTENCES if isinstance(error, kind)), _UNREACHABLE)
    return text.by_language()
