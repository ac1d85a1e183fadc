"""Every error of Beseda, in one tree.

    BesedaError                         our bug, unless a leaf says otherwise
    ├── SettingsError                   a setting is wrong; the program ends with exit code 2
    ├── InputError                      the input cannot be taken
    │   ├── FileTooLargeError
    │   ├── UnreadableAudioError
    │   ├── SilentAudioError
    │   ├── UnreadablePhotoError
    │   ├── PhotoTooLargeError          more pixels than we open, or than the result may have
    │   ├── UnsupportedPhotoError       HEIC, a moving picture
    │   ├── UnsupportedInputError
    │   ├── SpeechNotConfiguredError    no recogniser is connected to this bot
    │   ├── NotASlotError               no meeting can begin then: outside the hours, too soon, too far off
    │   └── PeriodError                 a period that ends before it begins, or a series of too many points
    ├── AccessDeniedError               a stranger at a bot with a guest list
    ├── NotFoundError
    ├── BroadcastBusyError              another broadcast of the bot is running
    ├── BroadcastStateError             a broadcast is too far for that, or not far enough
    ├── ReportNotReadyError             a report whose file is not there: still being built, or failed
    ├── SlotTakenError                  another person has booked that time
    ├── MeetingOverError                a meeting that has expired, begun or been cancelled
    ├── TooManyMeetingsError            a lead that has as many meetings ahead as it may
    ├── WebhooksOffError                events are to be sent, and no secret is set to sign them with
    ├── MergeRefusedError               leads of two bots to become one, or one that is no part of another to part
    ├── StaleVersionError               it has been changed since it was read
    ├── RateLimitedError                the person writes faster than the bot's owner allows
    │   └── BudgetExhaustedError        the day's budget of the person, the group or the bot is used up
    ├── StorageError                    database or Redis do not answer
    │   └── RowRefusedError             the database answers, and does not take this row; carries the constraint
    │       └── IdTakenError            another row has the identifier drawn for a new one
    ├── LeaseLostError                  another replica has taken over the chat
    ├── BrokerUnavailableError          the broker that wakes workers does not answer
    ├── ToolError                       a program of this machine (ffmpeg) is missing, failed or took too long
    ├── SetAsideError                   an update whose work crashed the process is not tried any more
    ├── TimeLimitError                  work took longer than its slot allows
    ├── RemoteError                     a remote back-end (model, recogniser) failed
    │   ├── KeyRejectedError            the key is wrong, missing or not allowed to do this
    │   ├── CreditExhaustedError        the account is empty
    │   ├── ModelNotFoundError          there is no such model
    │   ├── QuotaExceededError          too many requests; may carry the time to wait
    │   ├── UnavailableError            no connection, 5xx
    │   │   └── LoadingError            the server is up, its model not yet
    │   ├── TimedOutError               no answer in time
    │   ├── BrokenStreamError           the answer broke off in the middle
    │   ├── ProtocolError               the answer does not follow the protocol (a proxy's page, broken JSON)
    │   ├── RejectedRequestError        the request is wrong in the service's eyes
    │   │   └── ContextTooLongError     more text than the model can read
    │   ├── EmptyAnswerError            an answer without a word
    │   │   └── ThoughtsOnlyError       the model reasoned and gave no answer
    │   ├── RefusedAnswerError          the provider's filter stepped in
    │   └── RepeatingAnswerError        the model repeated the same text
    └── TelegramError                   Telegram refused a call or did not answer it
        ├── TelegramUnauthorizedError   the token is wrong or revoked
        ├── TelegramForbiddenError      the user blocked the bot, or it was put out of the group
        ├── TelegramConflictError       another program polls with this token
        ├── TelegramFloodError          too fast; carries the time to wait
        ├── TelegramRefusedError        the call is wrong in Telegram's eyes
        │   └── TelegramGoneError       the message to edit is gone
        └── TelegramUnavailableError    no connection, 5xx, a proxy's page
            └── TelegramUnansweredError sent, and no answer came back

Each carries the text for the user (`text`), whether another try helps (`retryable`, and `retry_after` in seconds where
that is known), and `detail` for the log, which never reaches a user. Code decides by the class and the data of an
error, never by the words of its detail. The HTTP status of each is in `beseda.api.problems`.
"""

from typing import ClassVar

from beseda.locales import Text


class BesedaError(Exception):
    """The root: something that we did not foresee."""

    text: ClassVar[Text] = Text(
        ru="Что-то сломалось у меня внутри. Ваше сообщение сохранено, попробуйте ещё раз.",
        en="Something broke on my side. Your message is safe, please try again.",
    )
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.words: Text | None = None  # in place of the class's, where a service knows more of its failure

    @property
    def detail(self) -> str:
        """The sentence for the log, which never reaches a user."""
        return self.message

    def __str__(self) -> str:
        return self.detail or self.text.say("en")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross to the worker's other process. By default an exception is rebuilt by a call with its `args`, and
        # the arguments of our constructors are others.
        return _rebuild, (type(self), *self.args), self.__dict__

    def say(self, language: str) -> str:
        """Return what the user reads, in `language`."""
        return (self.words or self.text).say(language)


def _rebuild(kind: type[BesedaError], *args: object) -> BesedaError:
    return kind.__new__(kind, *args)


class SettingsError(BesedaError):
    """A setting is wrong or missing: `detail` names it and says how to mend it."""

    text = Text(
        ru="Бот настроен с ошибкой. Владелец увидит её в журнале.",
        en="The bot is not set up right. Its owner will find the reason in the log.",
    )


class InputError(BesedaError):
    """What came in cannot be taken."""

    text = Text(ru="Не понял. Попробуйте, пожалуйста, иначе.", en="I could not make sense of that.")


class FileTooLargeError(InputError):
    """A file beyond the limit of Telegram (20 MB for bots) or our own."""

    text = Text(
        ru="Файл больше 20 МБ, Telegram не даёт ботам такие скачивать. Пришлите поменьше или по частям.",
        en="The file is over 20 MB, and Telegram does not let bots download such files. Please send a smaller one, or "
        "parts.",
    )


class UnreadableAudioError(InputError):
    """ffmpeg finds no sound in the file."""

    text = Text(
        ru="Не получилось прочитать эту запись: похоже, файл повреждён. Запишите, пожалуйста, ещё раз.",
        en="I could not read this recording, it seems to be damaged. Please record it again.",
    )


class SilentAudioError(InputError):
    """The recogniser heard no words."""

    text = Text(
        ru="Не расслышал ни слова. Попробуйте сказать ещё раз, чуть громче.",
        en="I did not hear any words. Please try again, a little louder.",
    )


class UnreadablePhotoError(InputError):
    """What came as a photo is none, or is damaged."""

    text = Text(
        ru="Не получилось открыть это фото: похоже, файл повреждён. Пришлите, пожалуйста, ещё раз.",
        en="I could not open this photo, it seems to be damaged. Please send it again.",
    )


class PhotoTooLargeError(InputError):
    """A photo with more pixels than we open, or whose result would have more than we make."""

    text = Text(
        ru="Фото слишком большое. Выберите меньшее увеличение.",
        en="This photo is too large: the result would be over 25 megapixels. Try a smaller scale or a smaller photo.",
    )


class UnsupportedPhotoError(InputError):
    """A kind of picture that we do not open: HEIC, or one that moves."""

    text = Text(
        ru="HEIC и анимацию я не открываю. Пришлите, пожалуйста, обычное фото в JPEG или PNG.",
        en="I do not open HEIC and moving pictures. Please send an ordinary photo as JPEG or PNG.",
    )


class UnsupportedInputError(InputError):
    """A kind of message that this bot does not take."""

    text = Text(
        ru="Такое я пока не понимаю: файлы и картинки читать не умею. Напишите словами или пришлите голосовое.",
        en="I do not understand this yet: files and pictures I cannot read. Please write, or send a voice message.",
    )


class SpeechNotConfiguredError(InputError):
    """Speech came in, and the owner has connected no recogniser."""

    text = Text(
        ru="Голосовые я пока не слышу: распознавание речи у меня ещё не подключено. Напишите, пожалуйста, текстом.",
        en="I cannot hear voice messages yet: speech recognition is not connected to me. Please write instead.",
    )


class NotASlotError(InputError):
    """A time at which no meeting can begin: outside the hours, off the grid, too soon or too far off."""

    text = Text(
        ru="На это время записать не могу: мы закрыты или до него слишком мало времени. Выберите другое.",
        en="That time cannot be booked: we are closed then, or it is too close. Please choose another.",
    )


class PeriodError(InputError):
    """A period that ends before it begins, or a series of more points than anybody can look at."""

    text = Text(
        ru="Неверный период: проверьте начало, конец и шаг.",
        en="This period cannot be counted: look at its beginning, end and step.",
    )


class AccessDeniedError(BesedaError):
    """A stranger at a bot with a guest list."""

    text = Text(
        ru="Этот бот отвечает только своим. Если вам нужен доступ, напишите его владельцу.",
        en="This bot only talks to people it knows. If you need access, ask its owner.",
    )


class NotFoundError(BesedaError):
    """What was asked for is not there."""

    text = Text(ru="Не нашёл: возможно, это уже удалено.", en="That is no longer here.")


class SetAsideError(BesedaError):
    """The work on an update has crashed the process or failed time and again: it is not tried any more."""

    text = Text(
        ru="На этом я несколько раз споткнулся и отложил его. Напишите, пожалуйста, иначе или пришлите ещё раз.",
        en="I stumbled over this several times and put it aside. Please write it differently, or send it again.",
    )


class SlotTakenError(BesedaError):
    """Somebody else has booked that time, or a time that reaches into it."""

    text = Text(
        ru="Это время только что заняли. Выберите, пожалуйста, другое.",
        en="Somebody has just taken that time. Please choose another.",
    )


class MeetingOverError(BesedaError):
    """A meeting that can no longer be confirmed, moved or cancelled: it has expired, begun or been cancelled."""

    text = Text(
        ru="Эту встречу уже не изменить: она прошла, отменена или её не подтвердили вовремя. "
        "Можно выбрать новое время.",
        en="This meeting can no longer be changed: it is over, cancelled, or was not confirmed in time. "
        "You can choose a new time.",
    )


class TooManyMeetingsError(BesedaError):
    """A lead that has as many meetings before it as it may have."""

    text = Text(
        ru="У вас уже несколько встреч впереди. Перенесите или отмените одну из них, пожалуйста.",
        en="You have several meetings ahead already. Please move or cancel one of them.",
    )


class BroadcastBusyError(BesedaError):
    """Another broadcast of the same bot is running: together they would be faster than Telegram allows."""

    text = Text(
        ru="Сейчас идёт другая рассылка этого бота. Дождитесь её конца или остановите её.",
        en="Another broadcast of this bot is running. Wait for its end, or stop it.",
    )


class BroadcastStateError(BesedaError):
    """What is asked of a broadcast does not go with how far it has come."""

    text = Text(
        ru="Сейчас это с рассылкой сделать нельзя: проверьте её состояние.",
        en="That is not possible with this broadcast: see which state it is in.",
    )


class ReportNotReadyError(BesedaError):
    """A report whose file is not there: it is still being built, or that failed."""

    text = Text(ru="Отчёт ещё не готов.", en="The report is not ready yet.")


class WebhooksOffError(BesedaError):
    """Events are to be sent somewhere, and there is no secret to sign them with."""

    text = Text(
        ru="Чтобы отправлять события, задайте секрет в BESEDA_EVENTS_SECRET: им они подписываются.",
        en="To send events, set a secret in BESEDA_EVENTS_SECRET: they are signed with it.",
    )


class MergeRefusedError(BesedaError):
    """Leads of two bots are to become one, or a lead that is no part of another is to be separated."""

    text = Text(ru="Эти карточки из разных ботов или не объединены.", en="The leads are of two bots, or not merged.")


class StaleVersionError(BesedaError):
    """What is to be changed has been changed by somebody else since it was read."""

    text = Text(
        ru="Пока вы смотрели, это изменил кто-то другой. Откройте заново и повторите.",
        en="Somebody else has changed this since you read it. Read it again and repeat your change.",
    )


class RateLimitedError(BesedaError):
    """The person writes faster than the bot's owner allows."""

    text = Text(ru="Не успеваю за вами. Дайте мне минутку.", en="You are faster than I am. Give me a minute, please.")
    retryable = True


class BudgetExhaustedError(RateLimitedError):
    """A day's tokens, speech or pictures do not suffice; `retry_after` says in how many seconds a new day begins.

    `silent` where the person was told a while ago, and an answer to every message would be a nuisance.
    """

    text = Text(
        ru="На сегодня лимит исчерпан. Новый будет с началом следующего дня.",
        en="What I have for today does not cover this. It is renewed with the new day.",
    )
    retryable = False
    silent = False

    def say(self, language: str) -> str:
        """Return what the user reads, with the time until the new day where that is known."""
        if self.retry_after is None:
            return super().say(language)
        hours, minutes = divmod(max(1, round(self.retry_after / 60)), 60)
        return _RENEWED.say(language, hours=hours, minutes=minutes)


_RENEWED = Text(
    ru="На сегодня лимит исчерпан. Новый будет через {hours} ч {minutes} мин.",
    en="What I have for today does not cover this. It is renewed in {hours} h {minutes} min.",
)


class StorageError(BesedaError):
    """The database or Redis do not answer. `constraint` is the name of the rule that a row breaks, where known."""

    text = Text(
        ru="У меня временные неполадки. Попробуйте через минуту.",
        en="My memory is out of reach right now. Please try again in a minute.",
    )
    retryable = True

    def __init__(self, message: str = "", *, constraint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.constraint = constraint


class RowRefusedError(StorageError):
    """The database answers, and does not take what was to be written: trying again at once does not help."""


class IdTakenError(RowRefusedError):
    """Another row has the identifier that was drawn for a new one."""


class LeaseLostError(BesedaError):
    """Another replica has the lease of the chat and continues from the database: the work here ends (fencing)."""

    text = Text(
        ru="У меня временные неполадки. Попробуйте через минуту.",
        en="My memory is out of reach right now. Please try again in a minute.",
    )
    retryable = True


class BrokerUnavailableError(BesedaError):
    """The broker that wakes workers does not answer; jobs are accepted meanwhile, since the database keeps them."""

    text = Text(
        ru="Очередь задач сейчас не отвечает. Попробуйте через минуту.",
        en="The job queue is not answering right now. Please try again in a minute.",
    )
    retryable = True


class ToolError(BesedaError):
    """A program of this machine (ffmpeg) is missing, failed or took too long. `exit_code` is that of one that ended."""

    text = Text(
        ru="Не получилось обработать файл. Попробуйте ещё раз чуть позже.",
        en="I could not process the file. Please try again a little later.",
    )
    retryable = True

    def __init__(self, message: str = "", *, exit_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.exit_code = exit_code


class TimeLimitError(BesedaError):
    """Work took longer than its slot allows: another try would take as long."""

    text = Text(
        ru="Это заняло слишком много времени, и я остановился. Попробуйте файл поменьше.",
        en="This took too long, and I stopped. Please try a smaller file.",
    )


NO_CONNECTION, WEB_PAGE = "no_connection", "web_page"  # codes of ours, for faults below the service's own protocol


class RemoteError(BesedaError):
    """A remote back-end failed.

    `endpoint` is its name, `status` the HTTP status of its answer (0 without one), `code` its own name of the fault or
    one of ours, `hint` what the owner can do about it.
    """

    text = Text(
        ru="Модель сейчас не отвечает. Попробуйте ещё раз.",
        en="The model is not answering right now. Please try again.",
    )
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
        """The sentence for the log: the endpoint, what happened there, and the hint."""
        located = f"{self.endpoint}: {self.message}" if self.endpoint else self.message
        return f"{located.rstrip('. ')}; {self.hint}" if self.hint else located


class KeyRejectedError(RemoteError):
    """The key is wrong, missing or not allowed to do this."""

    text = Text(
        ru="Модель меня не пускает: что-то с ключом. Владелец увидит подробности в журнале.",
        en="The model does not let me in: something is wrong with the key. The owner will find it in the log.",
    )
    retryable = False


class CreditExhaustedError(RemoteError):
    """The account is empty."""

    text = Text(
        ru="На счёте модели закончились деньги. Владелец увидит это в журнале.",
        en="The model's account has run out of credit. The owner will find it in the log.",
    )
    retryable = False


class ModelNotFoundError(RemoteError):
    """There is no such model at this endpoint."""

    text = Text(
        ru="Такой модели больше нет. Владелец увидит подробности в журнале.",
        en="That model does not exist any more. The owner will find the details in the log.",
    )
    retryable = False


class QuotaExceededError(RemoteError):
    """Too many requests for this account; `retry_after` where the service says so."""

    text = Text(
        ru="К модели сейчас очередь. Попробуйте через минуту.",
        en="The model is busy right now. Please try again in a minute.",
    )


class UnavailableError(RemoteError):
    """No connection, a server error, or a model that is still loading."""


class TimedOutError(RemoteError):
    """No answer in time."""

    text = Text(
        ru="Модель слишком долго думает. Попробуйте ещё раз.",
        en="The model is taking too long. Please try again.",
    )


class BrokenStreamError(RemoteError):
    """The answer broke off in the middle."""

    text = Text(ru="Ответ оборвался на полуслове. Попробуйте ещё раз.", en="The answer broke off. Please try again.")


class ProtocolError(RemoteError):
    """The answer is not what the protocol says: a proxy's page, broken JSON."""


class RejectedRequestError(RemoteError):
    """The request is wrong in the service's eyes."""

    text = Text(
        ru="Модель не приняла этот запрос. Попробуйте сказать иначе.",
        en="The model did not accept this request. Please try to put it differently.",
    )
    retryable = False


class ContextTooLongError(RejectedRequestError):
    """More text than the model can read."""

    text = Text(
        ru="Столько текста модель за раз не прочитает. Сократите, пожалуйста, или начните заново: /clear.",
        en="That is more text than the model can read at once. Please shorten it, or start afresh with /clear.",
    )


class LoadingError(UnavailableError):
    """The server answers, and its model is still being loaded."""

    text = Text(
        ru="Модель ещё загружается. Попробуйте через минуту.",
        en="The model is still loading. Please try again in a minute.",
    )


class EmptyAnswerError(RemoteError):
    """The model said nothing."""

    text = Text(ru="Модель промолчала. Попробуйте ещё раз.", en="The model said nothing. Please try again.")


class ThoughtsOnlyError(EmptyAnswerError):
    """The model reasoned and gave no answer."""

    text = Text(
        ru="Модель долго думала и так и не ответила. Попробуйте ещё раз или спросите о чём-то поменьше.",
        en="The model thought for long and gave no answer. Please try again, or ask for something smaller.",
    )


class RefusedAnswerError(RemoteError):
    """The provider's content filter stepped in."""

    text = Text(
        ru="Модель отказалась отвечать на это. Попробуйте спросить иначе.",
        en="The model refused to answer this. Please try to ask differently.",
    )
    retryable = False


class RepeatingAnswerError(RemoteError):
    """The model said the same again and again, and was stopped."""

    text = Text(
        ru="Модель начала повторяться, и я её остановил. Попробуйте ещё раз.",
        en="The model began to repeat itself, so I stopped it. Please try again.",
    )

    def __init__(
        self, message: str = "", *, endpoint: str = "", retry_after: float | None = None, kept: int | None = None
    ) -> None:
        super().__init__(message, endpoint=endpoint, retry_after=retry_after)
        self.kept = kept  # the length of the answer before it began to repeat; None where that is unknown


class TelegramError(BesedaError):
    """A call of the Bot API was refused, or not answered.

    `code` and `description` are those of Telegram's answer; without one, `code` is 0 and `description` is ours.
    """

    text = Text(ru="Telegram сейчас не отвечает.", en="Telegram is not answering right now.")
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
    """Too fast (429); `retry_after` says how many seconds to wait."""


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
