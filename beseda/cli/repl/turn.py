"""One question and its answer."""

import asyncio
from dataclasses import dataclass

from beseda.cli.answer import Answer, fill_answer, format_cost
from beseda.cli.repl import texts
from beseda.cli.repl.session_context import SessionContext
from beseda.cli.repl.summary import sum_up
from beseda.core.errors import (
    ContextTooLongError,
    CreditExhaustedError,
    KeyRejectedError,
    ModelNotFoundError,
    RemoteError,
)
from beseda.core.logs import scrub
from beseda.core.message import Message
from beseda.core.usage import Usage
from beseda.llm.base import ChatModel, Finished, FinishReason, ModelRequest
from beseda.llm.fitting import find_context, fit_messages
from beseda.llm.token_estimate import estimate_tokens
from beseda.locales.errors import explain

_NEARLY = 0.8  # of the context
_AROUND_MESSAGE = 4  # tokens that a chat template puts around each
# Users of a bot are told that its owner will see to it; here the owner sits at the keyboard.
_OWNERS_BUSINESS = (KeyRejectedError, CreditExhaustedError, ModelNotFoundError)


@dataclass(slots=True)
class _Turn:
    """A question being processed. `about` estimates its tokens; `size` is the model's context, or None if unknown."""

    question: str
    instead_of_last: bool
    messages: list[Message]
    about: int
    size: int | None = None


async def ask(context: SessionContext, question: str, *, instead_of_last: bool = False) -> None:
    """Ask, show, keep. A question that gets no answer is not kept as asked."""
    context.unanswered = question
    messages = context.conversation.build_messages(question, instead_of_last=instead_of_last)
    turn = _Turn(question, instead_of_last, messages, estimate_request(messages))
    with context.interrupts.guard() as guard:
        turn.size = await find_context_size(context)
        if not await _fit(context, turn):
            return
    if guard.pressed:
        context.screen.note(context.tell(texts.STOPPED_EMPTY))
        return
    if not await may_spend(context, turn.about):
        return
    model = context.models.current
    assert model is not None  # noqa: S101 - a chat begins with opening one
    answer = Answer(model.name, context.clock.monotonic())
    try:
        stopped = await _receive(context, model, answer, turn.messages)
    except RemoteError as error:
        context.failed = True
        _complain(context, error)
        return
    except asyncio.CancelledError:  # the program is ended: what was said is kept
        if answer.text.strip():
            context.conversation.add_turn(question, answer, stopped=True, instead_of_last=instead_of_last)
        raise
    if answer.text.strip():
        await _keep(context, turn, answer, stopped=stopped)
    else:  # stopped before the first word
        context.screen.note(context.tell(texts.STOPPED_EMPTY))


async def _keep(context: SessionContext, turn: _Turn, answer: Answer, *, stopped: bool) -> None:
    conversation = context.conversation
    context.unanswered = ""
    conversation.add_turn(turn.question, answer, stopped=stopped, instead_of_last=turn.instead_of_last)
    conversation.session.api_base_url = context.models.find_base_url(answer.model)
    _account(context, answer, turn.about)
    used = answer.usage.total_tokens
    if turn.size is not None and used > _NEARLY * turn.size:
        context.screen.warn(context.tell(texts.NEARLY_FULL, used=used, size=turn.size))
    context.save()
    if await compress(context):
        context.save()


async def compress(context: SessionContext, *, asked: bool = False) -> bool:
    """Sum up the beginning if it is due, or immediately if `asked` is true. Return whether it was done.

    A failure is reported on the screen, and no message is lost.
    """
    conversation = context.conversation
    model = context.models.current
    if model is None or not (asked or conversation.is_summary_due()):
        return False
    kept = {"kept_turns": 0} if asked and not conversation.list_foldable() else {}
    count = len(conversation.list_foldable(**kept))
    try:
        with context.interrupts.guard() as guard:
            size = await find_context_size(context)
            answer = await sum_up(conversation, model, context.clock, size=size, **kept)
    except RemoteError as error:
        context.screen.warn(context.tell(texts.SUMMARY_FAILED, reason=scrub(str(error))))
        context.failed = context.failed or asked
        return False
    if guard.pressed:
        return False
    if answer is None:
        context.screen.note(context.tell(texts.NOTHING_TO_SUM))
        return False
    context.budget.spend(answer.usage)
    context.screen.note(context.tell(texts.SUMMED, count=count))
    return True


async def _receive(context: SessionContext, model: ChatModel, answer: Answer, messages: list[Message]) -> bool:
    """Stream the answer to the screen. Return True if Ctrl-C ended it. Raises the errors of the model."""
    request = ModelRequest(messages, context.options.temperature, context.options.max_tokens)
    view = context.screen.open_answer(
        context.tell(texts.WAITING), context.tell(texts.IN_LINE), context.tell(texts.LOADING)
    )
    with context.interrupts.guard() as guard, view:
        await fill_answer(answer, model, request, context.clock, view)
    if guard.pressed and answer.text.strip():
        context.screen.note(context.tell(texts.STOPPED))
    return guard.pressed


def _complain(context: SessionContext, error: RemoteError) -> None:
    detail = scrub(error.detail)
    if detail and isinstance(error, _OWNERS_BUSINESS):
        context.screen.complain(detail)
    else:
        context.screen.complain(explain(error, context.options.language))
        context.screen.note(detail)
    if not isinstance(error, ContextTooLongError):
        context.screen.note(context.tell(texts.NOT_KEPT))


def estimate_request(messages: list[Message]) -> int:
    """Return about how many tokens the model reads."""
    return sum(estimate_tokens(message.content) + _AROUND_MESSAGE for message in messages)


async def find_context_size(context: SessionContext) -> int | None:
    """Return the context size in tokens: from the command line, else from the model, or None if it is unknown."""
    return context.options.context_tokens or await find_context(context.models.current)


async def _fit(context: SessionContext, turn: _Turn) -> bool:
    """Drop the oldest messages if the model cannot read all. Return False, with a message, if that is not enough."""
    if turn.size is None:
        return True
    limit, model = context.options.max_tokens, context.models.current
    try:
        turn.messages = await fit_messages(turn.messages, model, max_tokens=limit, context=turn.size)
    except ContextTooLongError:
        context.failed = True
        context.screen.complain(context.tell(texts.TOO_LONG, used=turn.about, size=turn.size))
        return False
    turn.about = estimate_request(turn.messages)
    return True


async def may_spend(context: SessionContext, about: int) -> bool:
    """Return whether about `about` more tokens are within the caps, or the person agrees to exceed them."""
    excess = context.budget.find_excess(about)
    if excess is None:
        return True
    try:
        said = await context.reader.read_line(context.tell(texts.CAP_REACHED, spent=excess[0], cap=excess[1]))
    except (EOFError, KeyboardInterrupt):
        said = ""
    agreed = " ".join(texts.CAP_AGREED.by_language().values()).split()
    if said.strip().lower() not in agreed:
        context.failed = True
        context.screen.note(context.tell(texts.CAP_KEPT))
        return False
    context.budget.extend(about)
    return True


def _account(context: SessionContext, answer: Answer, about: int) -> None:
    """Add the usage of an answer and print it. The usage of a stopped answer is estimated, because the endpoint sends
    none.
    """
    usage = answer.usage if answer.end else Usage(about, estimate_tokens(answer.text), estimated=True)
    context.conversation.add_usage(usage)
    context.budget.spend(usage)
    context.last = answer
    if answer.end is not None and answer.end.reason is FinishReason.LENGTH:
        context.screen.note(context.tell(texts.CUT))
    if answer.end is None:
        answer.end = Finished(FinishReason.STOPPED, usage, *answer.name.partition(":")[::2])
    mark = "~" if usage.estimated else ""
    line = context.tell(
        texts.USAGE,
        model=answer.model,
        prompt=f"{mark}{usage.prompt_tokens}",
        completion=f"{mark}{usage.completion_tokens}",
        cost=format_cost(usage.cost),
        seconds=answer.total,
        total=context.count_tokens(),
        sum=context.describe_sum(),
    )
    context.screen.note(line)
