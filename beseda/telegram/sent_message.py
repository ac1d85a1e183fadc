"""Message ids of Telegram, and the ids that a send with an unknown outcome may have got.

An account has one counter of message ids for all its private chats and basic groups, a supergroup or channel one of its
own (https://core.telegram.org/api/updates: one common message box, one per channel).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

COMMON_BOX = 0
_LAST_BASIC_GROUP = (
    -1_000_000_000_000
)  # ids of supergroups and channels lie below (https://core.telegram.org/api/bots/ids)
_BEYOND = 5  # ids behind the last known one that are possible where nothing is known to come after the send


def message_box(chat_id: int) -> int:
    """Return the counter that the message ids of a chat come from."""
    return chat_id if chat_id < _LAST_BASIC_GROUP else COMMON_BOX


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A recorded message id. `begun_at` is the start of the call if the bot sent it, else None."""

    message_id: int
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownMessages:
    """The recorded ids of one counter around a call: the last one before it, and those behind that one, ascending.

    `unknown_earlier` counts the calls with an unknown outcome that began before it. Without `is_whole` there are more
    ids than were read.
    """

    before: int | None
    later: Sequence[KnownMessage] = ()
    unknown_earlier: int = 0
    is_whole: bool = True


def find_candidates(known: KnownMessages, over_at: datetime, most: int) -> tuple[list[int], bool]:
    """Return at most `most` ids that the message of a call may have, likeliest first, and whether these are all.

    Candidates are not recorded. They lie between the last id known before the call and the first id of a call begun
    after `over_at`, when this one could no longer take effect. If there is no such later id, and all later ids were
    read, five ids beyond the last known one are possible as well.

    Calls mostly take effect in the order in which they began. With n unknown calls before this one, its message
    therefore likely has the candidate number n, counted from 0, or one nearby: a crash interrupts many calls, and not
    all of them were made.
    """
    taken = {message.message_id for message in known.later}
    if known.before is None and not taken:
        return [], False
    first = known.before + 1 if known.before is not None else min(taken)
    after = [item.message_id for item in known.later if item.begun_at is not None and item.begun_at > over_at]
    beyond = _BEYOND if known.is_whole else 0
    end = min(after) if after else max(taken, default=first - 1) + beyond + 1
    every = (number for number in range(first, end) if number not in taken)
    free = list(islice(every, known.unknown_earlier + most + 1))
    likely = min(known.unknown_earlier, len(free) - 1)
    ranked = sorted(range(len(free)), key=lambda place: (abs(place - likely), place))
    are_all = len(free) <= most and known.before is not None and known.is_whole
    return [free[place] for place in ranked[:most]], are_all
