"""Hierarchy of all errors of Beseda: `docs/reference/errors.md` lists it as a tree.

Each error carries its data, whether a retry helps (`retryable`, and `retry_after` in seconds if known), and `detail`
for the log, which never reaches a user. Code branches on the class and the data of an error, never on the text of its
detail. The text for the user is found by `beseda.locales.errors`, under the name of the error; the HTTP status is in
`beseda.web.problems`.
"""

import re
from typing import ClassVar

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class BesedaError(Exception):
    """The root: something that we did not foresee."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.text_name = ""  # names another text than the class does, where a service knows more of its failure

    @property
    def detail(self) -> str:
        """The sentence for the log, which never reaches a user."""
        return self.message

    def __str__(self) -> str:
        return self.detail or name_error(type(self)).replace("_", " ")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross to the worker's other process. By default an exception is rebuilt by a call with its `args`, and
        # the arguments of our constructors are others.
        return _rebuild, (type(self), *self.args), self.__dict__


def name_error(kind: type[BesedaError]) -> str:
    """Return an error's name for programs and catalogues: SlotTakenError is `slot_taken`."""
    return _CAPITAL.sub("_", kind.__name__.removesuffix("Error")).lower()


def _rebuild(kind: type[BesedaError], *args: object) -> BesedaError:
    return kind.__new__(kind, *args)


class SettingsError(BesedaError):
    """A setting is invalid or missing. `detail` names the setting and the correction."""


class InputError(BesedaError):
    """The input cannot be accepted."""


class FileTooLargeError(InputError):
    """A file beyond the limit of Telegram (20 MB for bots) or our own."""


class UnreadableAudioError(InputError):
    """ffmpeg finds no sound in the file."""


class SilentAudioError(InputError):
    """The recogniser heard no words."""


class UnreadablePhotoError(InputError):
    """The file sent as a photo is damaged or is no image."""


class PhotoTooLargeError(InputError):
    """The photo has more pixels than we open, or its result would have more than we make."""


class UnsupportedPhotoError(InputError):
    """The format of the picture is not supported: HEIC or an animation."""


class UnsupportedInputError(InputError):
    """This bot does not accept this kind of message."""


class UnreadableTextError(InputError):
    """The document is no text, has no words, or is in an unknown encoding."""


class TextTooLongError(InputError):
    """The text is longer than a document is written from."""


class SpeechNotConfiguredError(InputError):
    """A voice message arrived, and the owner has connected no recogniser."""


class NotASlotError(InputError):
    """A time at which no meeting can begin: outside the hours, off the grid, too soon or too far off."""


class RefusedAddressError(InputError):
    """Events are never sent to this address, such as one of a private network. `detail` names the fault."""


class PeriodError(InputError):
    """The period ends before it begins, or the series has too many points."""


class AccessDeniedError(BesedaError):
    """A stranger at a bot with a guest list."""


class NotFoundError(BesedaError):
    """The requested object does not exist."""


class SetAsideError(BesedaError):
    """An update crashed the process or failed repeatedly, and is not retried any more."""


class SlotTakenError(BesedaError):
    """The time, or one that overlaps with it, is booked by another person."""


class MeetingOverError(BesedaError):
    """A meeting that can no longer be confirmed, moved or cancelled: it has expired, begun or been cancelled."""


class TooManyMeetingsError(BesedaError):
    """A lead that has as many meetings before it as it may have."""


class BroadcastBusyError(BesedaError):
    """Another broadcast of the same bot is running: together they would be faster than Telegram allows."""


class BroadcastStateError(BesedaError):
    """The state of the broadcast does not allow the requested action."""


class ReportNotReadyError(BesedaError):
    """The report has no file: it is still being built, or building it failed."""


class WebhooksOffError(BesedaError):
    """Events are to be sent to a webhook, and there is no secret to sign them with."""


class MergeRefusedError(BesedaError):
    """Leads of two bots are to become one, or a lead that is no part of another is to be separated."""


class StaleVersionError(BesedaError):
    """The object was changed by another writer after it was read."""


class RateLimitedError(BesedaError):
    """The person writes faster than the bot's owner allows."""

    retryable = True


class BudgetExhaustedError(RateLimitedError):
    """The daily budget of tokens, speech or pictures is exhausted. `retry_after` is the number of seconds until the new
    day.

    `silent` is true if the user was notified recently, so that not every message is answered with this error.
    """

    retryable = False
    silent = False


class StorageError(BesedaError):
    """The database or Redis does not answer. `constraint` is the name of the violated constraint, if known."""

    retryable = True

    def __init__(self, message: str = "", *, constraint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.constraint = constraint


class RowRefusedError(StorageError):
    """The database answers and rejects the row. An immediate retry does not help."""


class IdTakenError(RowRefusedError):
    """Another row has the identifier that was drawn for a new one."""


class LeaseLostError(BesedaError):
    """Another replica has the lease of the chat and continues from the database: the work here ends (fencing)."""

    retryable = True


class BrokerUnavailableError(BesedaError):
    """The broker that wakes workers does not answer; jobs are accepted meanwhile, since the database keeps them."""

    retryable = True


class ToolError(BesedaError):
    """A program of this machine (ffmpeg) is missing, failed or took too long. `exit_code` is that of one that ended."""

    retryable = True

    def __init__(self, message: str = "", *, exit_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.exit_code = exit_code


class TimeLimitError(BesedaError):
    """Work took longer than its slot allows: another try would take as long."""


NO_CONNECTION, WEB_PAGE = "no_connection", "web_page"  # codes of ours, for faults below the service's own protocol


class RemoteError(BesedaError):
    """A remote back-end failed.

    `endpoint` is its name, `status` the HTTP status of its answer (0 without one), `code` the back-end's name of the
    fault or one of ours, `hint` advice for the owner.
    """

    retryable = True

    def __init__(
        self,
        message: str = "",
        *,
        endpoint: str = "",
        status: int = 0,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.endpoint = endpoint
        self.status = status
        self.code = code
        self.hint = ""

    @property
    def detail(self) -> str:
        """The message for the log: the endpoint, the fault, and the hint."""
        located = f"{self.endpoint}: {self.message}" if self.endpoint else self.message
        return f"{located.rstrip('. ')}; {self.hint}" if self.hint else located


class KeyRejectedError(RemoteError):
    """The key is wrong, missing or not allowed to do this."""

    retryable = False


class CreditExhaustedError(RemoteError):
    """The account is empty."""

    retryable = False


class ModelNotFoundError(RemoteError):
    """There is no such model at this endpoint."""

    retryable = False


class QuotaExceededError(RemoteError):
    """Too many requests for this account. `retry_after` is set if the service reports it."""


class UnavailableError(RemoteError):
    """No connection, a server error, or a model that is still loading."""


class TimedOutError(RemoteError):
    """No answer in time."""


class BrokenStreamError(RemoteError):
    """The answer broke off in the middle."""


class ProtocolError(RemoteError):
    """The answer violates the protocol: a proxy's page, broken JSON."""


class RejectedRequestError(RemoteError):
    """The request is wrong in the service's eyes."""

    retryable = False


class ContextTooLongError(RejectedRequestError):
    """More text than the model can read."""


class UnansweredError(UnavailableError):
    """The request went out and the connection ended without an answer: it may have had its effect."""


class LoadingError(UnavailableError):
    """The server answers, and its model is still being loaded."""


class EmptyAnswerError(RemoteError):
    """The model returned an empty answer."""


class ThoughtsOnlyError(EmptyAnswerError):
    """The model reasoned and gave no answer."""


class RefusedAnswerError(RemoteError):
    """The provider's content filter stepped in."""

    retryable = False


class RepeatingAnswerError(RemoteError):
    """The model repeated the same text and was stopped."""

    def __init__(
        self, message: str = "", *, endpoint: str = "", retry_after: float | None = None, kept: int | None = None
    ) -> None:
        super().__init__(message, endpoint=endpoint, retry_after=retry_after)
        self.kept = kept  # the length of the answer before it began to repeat; None where that is unknown


class TelegramError(BesedaError):
    """A call of the Bot API was refused, or not answered.

    `code` and `description` are those of Telegram's answer; without one, `code` is 0 and `description` is ours.
    """

    retryable = True

    def __init__(
        self, method: str = "", code: int = 0, description: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(description, retry_after=retry_after)
        self.method = method
        self.code = code
        self.description = description

    @property
    def detail(self) -> str:
        """The sentence for the log: `method: code description`."""
        answer = f"{self.code} {self.description}".strip() if self.code else self.description
        return ": ".join(filter(None, (self.method, answer)))


class TelegramUnauthorizedError(TelegramError):
    """The bot's token is wrong or revoked (401)."""

    retryable = False


class TelegramForbiddenError(TelegramError):
    """The user blocked the bot, or the group put it out (403)."""

    retryable = False


class TelegramConflictError(TelegramError):
    """Another program polls with the same token, or a webhook is set (409)."""


class TelegramFloodError(TelegramError):
    """Too many requests to Telegram (429). `retry_after` is the time to wait in seconds."""


class TelegramRefusedError(TelegramError):
    """The call is wrong in Telegram's eyes (400, 404, 413)."""

    retryable = False


class TelegramGoneError(TelegramRefusedError):
    """The message to edit is gone, or cannot be edited; another one may be sent in its place."""


class TelegramUnavailableError(TelegramError):
    """No connection, or a server error: the call had no effect."""


class TelegramUnansweredError(TelegramUnavailableError):
    """The call was sent and not answered: it may have had an effect, or have it within `retry_after` seconds.

    Raised after a connection was cut, after a time-out, and for the 502 or 504 of a proxy.
    """
