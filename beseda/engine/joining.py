"""Several messages that are one question: a long paste that Telegram cut, a bundle of forwards, an album, a burst.

A burst is a question in short lines without an end: "hi", "listen", "about that". Lines that came in while another
question was answered are joined without waiting. An ordinary message never waits: only one that looks like the first
of several does, and only for a moment.
"""

from dataclasses import dataclass, replace

from beseda.core.chat import ChatKey
from beseda.core.keyed_queues import Lane
from beseda.engine.incoming import Event, IncomingMessage, MessageKind

_PIECE = 4000  # UTF-16 units: clients cut at 4096 of them, a little earlier at a word
_JOINED_LIMIT = 100_000  # characters of one question: beyond any paste by hand
_JOINED_MESSAGES = 100
_Latest = dict[ChatKey, tuple[IncomingMessage, float]]
_OPEN = 10.0  # seconds in which the other messages of a paste or an album come in
_BURST_LINE = 40  # characters of a line of a burst, at most
_BURST = 10  # lines that are joined
_ENDS = (".", "?", "!", "…", ":", ";", ")")


@dataclass(frozen=True, slots=True)
class Joiner:
    """Takes one event, or several messages joined into one, from a lane.

    `patience` is the seconds that a paste, an album or a bundle waits for its rest, `pause` those that a line of a
    burst waits for the next one. An album is one question, unless `albums` is off: then each file of it is worked on by
    itself. Bursts are not joined if `bursts` is off, as in a chat whose buttons write short words.
    """

    patience: float = 0.8
    pause: float = 0.3
    albums: bool = True
    bursts: bool = True

    async def take(self, lane: Lane[Event]) -> Event:
        """Return the next event of the lane."""
        event = lane.take()
        if not isinstance(event, IncomingMessage) or event.edited:
            return event
        event = _take_edits(event, lane)
        if self.bursts and _is_line(event):
            return await self._take_burst(event, lane)
        for _ in range(_JOINED_MESSAGES):
            following = await self._take_following(event, lane)
            if following is None:
                break
            event = _joined(event, following)
        return event

    async def _take_burst(self, event: IncomingMessage, lane: Lane[Event]) -> IncomingMessage:
        """Return a line with those of the same person that follow within a moment; a whole sentence ends the burst."""
        for _ in range(_BURST):
            following = await _take_line(event, lane, within=self.pause)
            if following is None:
                break
            event = _joined(event, following)
            if not _is_line(following):
                break
        return event

    async def _take_following(self, event: IncomingMessage, lane: Lane[Event]) -> IncomingMessage | None:
        if event.album and not self.albums:
            return None
        wait = self.patience if _may_go_on(event) else 0.0
        if len(event.text) >= _JOINED_LIMIT or (not wait and not _is_resumed(event, lane)):
            return None
        following = await lane.take_next_if(lambda other: _belongs(event, other), within=wait)
        return _take_edits(following, lane) if isinstance(following, IncomingMessage) else None


async def _take_line(first: IncomingMessage, lane: Lane[Event], *, within: float) -> IncomingMessage | None:
    following = await lane.take_next_if(lambda other: _goes_on(first, other), within=within)
    return _take_edits(following, lane) if isinstance(following, IncomingMessage) else None


def _take_edits(event: IncomingMessage, lane: Lane[Event]) -> IncomingMessage:
    """Return a message with the newest text that waits in its lane: the earlier text was not read yet."""

    def is_edit(other: Event) -> bool:
        return isinstance(other, IncomingMessage) and other.edited and other.message_id == event.message_id

    for edit in lane.take_all_if(is_edit):
        assert isinstance(edit, IncomingMessage)  # noqa: S101 - the predicate's promise, for the type checker
        place = replace(event.place, update_ids=(*event.place.update_ids, *edit.place.update_ids))
        event = replace(edit, place=place, edited=False)
    return event


class Openings:
    """The latest message of each chat that others may belong to, as intake has seen them.

    A message that belongs to it is part of the same question, even if it does not address the bot itself.
    """

    def __init__(self) -> None:
        self._latest: _Latest = {}

    def note(self, event: Event, now: float) -> None:
        """Remember a message that is to be worked on, if others may belong to it."""
        for chat in [chat for chat, (_, at) in self._latest.items() if at < now - _OPEN]:
            del self._latest[chat]
        if isinstance(event, IncomingMessage) and _may_go_on(event):
            self._latest[event.place.chat] = (event, now)

    def expects(self, event: Event, now: float) -> bool:
        """Return whether an event belongs to the message before it."""
        first, at = self._latest.get(event.place.chat, (None, 0.0))
        return first is not None and at >= now - _OPEN and _belongs(first, event)


def _is_line(event: IncomingMessage) -> bool:
    """Return whether a message looks like a line of a burst: short words without a number or the end of a sentence."""
    is_plain = event.kind is MessageKind.TEXT and not (event.forwarded or event.album or event.command or event.edited)
    text = event.text.rstrip()
    is_short = 0 < len(text) <= _BURST_LINE and not text.endswith(_ENDS) and not any(map(str.isdigit, text))
    return is_plain and is_short and event.place.turn_id is None


def _goes_on(first: IncomingMessage, other: Event) -> bool:
    """Return whether a message belongs to the burst that `first` began: the next text that the person writes or
    forwards.
    """
    if not isinstance(other, IncomingMessage) or other.command or other.edited or other.album:
        return False
    same = other.person.id == first.person.id and other.place.turn_id is None and other.addressed == first.addressed
    return same and other.kind is MessageKind.TEXT


def _may_go_on(event: IncomingMessage) -> bool:
    if event.place.turn_id is not None or event.command:
        return False
    is_cut_paste = event.kind is MessageKind.TEXT and _tail(event) >= _PIECE
    return is_cut_paste or event.forwarded or bool(event.album)


def _is_resumed(event: IncomingMessage, lane: Lane[Event]) -> bool:
    """Return whether a crash may have left more messages of the same turn in the lane."""
    return event.place.turn_id is not None and len(lane) > 0


def _tail(event: IncomingMessage) -> int:
    return event.last_piece or _units(event.text)


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="replace")) // 2


def _belongs(first: IncomingMessage, other: Event) -> bool:
    if not isinstance(other, IncomingMessage) or other.person.id != first.person.id or other.command or other.edited:
        return False
    if first.place.turn_id is not None or other.place.turn_id is not None:
        return first.place.turn_id == other.place.turn_id
    if first.album or other.album:
        return first.album == other.album
    return other.kind is MessageKind.TEXT and (other.forwarded == first.forwarded)


def _joined(first: IncomingMessage, other: IncomingMessage) -> IncomingMessage:
    place = replace(first.place, update_ids=(*first.place.update_ids, *other.place.update_ids))
    cut_in_word = not first.forwarded and first.text[-1:].isalnum() and other.text[:1].isalnum()
    seam = "" if cut_in_word and _tail(first) >= 4096 else "\n"
    quoted = "\n".join(quotation.write() for quotation in other.quoted)
    marked = bool(first.said or other.said or quoted)
    words = "\n".join(filter(None, [first.words, quoted, other.words])) if marked else ""
    return replace(
        first,
        place=place,
        text=f"{first.text}{seam}{other.text}".strip("\n"),
        said=words,
        last_piece=_units(other.text) or 1,
    )
