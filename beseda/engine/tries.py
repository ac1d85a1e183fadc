"""Counts of the tries of updates, so that one which kills the process, or fails repeatedly, is set aside.

A try is counted in the database before its work begins: by intake, with the update itself, if the work begins
immediately, else by a separate write. A try that ends by an error or a shutdown is known to have ended; one that a
restart finds begun was interrupted by a crash.

Many updates are in the middle of their work when a process is killed, and at most one of them is to blame. After its
second crash an update is a suspect: the process works on one suspect at a time, and a crash meanwhile is evidence
against that one. An update is set aside by its third crash if there is evidence enough.
"""

from collections.abc import Container, Iterable, Sequence
from enum import Enum, auto

from beseda.engine.updates.model import StoredUpdate, Tries
from beseda.engine.updates.repository import UpdateRepository

MAX_CRASHES = 3  # of the process, in the middle of the work on an update
MAX_DELIVERY_CRASHES = 50  # while an answer that is stored was being sent
SUSPICIOUS_CRASHES = 2
# Evidence of a crash: of a quiet process, of a busy one where a suspect ran alone, and what sets an update aside. In a
# busy process a crash may come from outside, time and again, so that three of these are not enough.
QUIET_EVIDENCE, ALONE_EVIDENCE, ENOUGH_EVIDENCE = 4, 3, 12
_FEW = 3
_MANY_CRASHES = 20  # then a suspect of a crowd runs alone, too
_GIVEN_UP = 1000  # begun tries of an update that is being set aside: its notice may crash the process, too
MAX_FAILURES = 5  # tries that the database let begin and did not let end


class Verdict(Enum):
    """Whether an update is to be worked on."""

    WORK = auto()
    SET_ASIDE = auto()  # with a notice to its person
    DROP = auto()  # setting it aside has failed, too


class TryCounter(Container[int]):
    """The updates of one bot that are in flight, with the counts of their tries."""

    def __init__(self, bot: str) -> None:
        self._bot = bot
        self._tries: dict[int, Tries] = {}
        self._open: set[int] = set()  # their try of this process is counted and has not ended
        self._interrupted: dict[int, Tries] = {}  # as they are to be recorded
        self._failed: dict[int, int] = {}  # their try of this process has ended, and so many failures are uncounted

    def __contains__(self, update_id: object) -> bool:
        return update_id in self._tries

    @property
    def numbers(self) -> set[int]:
        """The numbers of the updates in flight."""
        return set(self._tries)

    def enter(self, update: StoredUpdate, *, begun: bool) -> None:
        """Take an update up. `begun` is whether intake has counted its first try."""
        self._tries[update.update_id] = update.tries
        if begun:
            self._open.add(update.update_id)

    def leave(self, update_ids: Sequence[int]) -> None:
        """Take updates out of flight."""
        for number in update_ids:
            self._tries.pop(number, None)
            self._open.discard(number)

    def is_retry(self, update_ids: Sequence[int]) -> bool:
        """Return whether a try of these has ended by an error here."""
        return any(number in self._failed for number in update_ids)

    def judge(self, update_ids: Sequence[int]) -> Verdict:
        """Return the verdict on updates that form one event."""
        if any(self._tries[number].begun >= _GIVEN_UP for number in update_ids):
            return Verdict.DROP
        failures = max(self._tries[number].failed + self._failed.get(number, 0) for number in update_ids)
        is_guilty = any(
            self._count_crashes(number) >= MAX_CRASHES and self._tries[number].evidence >= ENOUGH_EVIDENCE
            for number in update_ids
        )
        return Verdict.SET_ASIDE if is_guilty or failures >= MAX_FAILURES else Verdict.WORK

    def count_crashes(self, update_ids: Sequence[int]) -> int:
        """Return how many crashes interrupted the work on updates that are one event."""
        return max(self._count_crashes(number) for number in update_ids)

    def is_strict(self, crashes: int) -> bool:
        """Return whether a suspect with so many crashes is to run alone: among few suspects, or by their number."""
        return self._are_few or crashes >= _MANY_CRASHES

    def weigh_crash(self, more: int = 0) -> int:
        """Return the evidence of a crash now against each update in flight: none unless these and `more` are few."""
        return QUIET_EVIDENCE if len(self._tries) + more <= _FEW else 0

    @property
    def _are_few(self) -> bool:
        return sum(self._count_crashes(number) >= SUSPICIOUS_CRASHES for number in self._tries) <= _FEW

    def may_deliver(self, update_ids: Sequence[int]) -> bool:
        """Return whether the crashes leave it likely that sending a stored answer is not their cause."""
        return self.count_crashes(update_ids) < MAX_DELIVERY_CRASHES

    async def give_up(self, store: UpdateRepository, update_ids: Sequence[int]) -> None:
        """Record that updates are being set aside. Raises StorageError."""
        given_up = {number: self._tries[number]._replace(begun=_GIVEN_UP) for number in update_ids}
        await store.note_tries(self._bot, given_up)

    async def begin(self, store: UpdateRepository, update_ids: Sequence[int], *, alone: bool = False) -> None:
        """Count a try in the database before its work begins; `alone` for a suspect in quarantine.

        Raises StorageError.
        """
        evidence = self.weigh_crash() or (ALONE_EVIDENCE if alone else 0)
        tries = {}
        for number in update_ids:
            if number in self._open:
                continue
            known, ended = self._tries[number], self._failed.get(number)
            tries[number] = Tries(known.begun + (ended is None), known.failed + (ended or 0), known.evidence + evidence)
        changed = {number: count for number, count in tries.items() if count != self._tries[number]}
        if changed:
            await store.note_tries(self._bot, changed)
        self._tries.update(tries)
        self._open.update(tries)
        for number in tries:
            self._failed.pop(number, None)

    def end(self, update_ids: Sequence[int], *, failed: bool) -> None:
        """Note that a try which was begun has ended by an error, and that the update will be tried again here."""
        for number in update_ids:
            if number in self._open:
                self._failed[number] = int(failed)

    def interrupt(self, update_ids: Sequence[int]) -> None:
        """Note that a try which was begun ends without an outcome and without a crash: it will not count."""
        for number in update_ids:
            if number in self._open:
                known = self._tries[number]
                self._interrupted[number] = known._replace(begun=max(0, known.begun - 1), evidence=0)

    async def release(self, store: UpdateRepository) -> None:
        """Undo in the database the counts of interrupted tries. Raise StorageError if the database is unavailable."""
        if self._interrupted:
            interrupted, self._interrupted = self._interrupted, {}
            await store.note_tries(self._bot, interrupted)

    def _count_crashes(self, number: int) -> int:
        is_ours = number in self._open or number in self._failed
        return self._tries[number].begun - is_ours


_SECONDS = 60.0


class RedeliveryDelays:
    """Delays before unfinished updates are taken up again. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def put(self, update_ids: Iterable[int], now: float) -> None:
        """Let updates rest for a minute."""
        self._until.update(dict.fromkeys(update_ids, now + _SECONDS))

    def is_due(self, update_id: int, now: float) -> bool:
        """Return whether an update is to be taken up when it is found."""
        return self._until.get(update_id, now) <= now

    def tidy(self, now: float) -> None:
        """Remove delays that have passed."""
        self._until = {number: until for number, until in self._until.items() if until > now}
