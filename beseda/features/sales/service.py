"""A sale, message by message: facts are read, proven facts are stored, and the next answer is planned.

    study()   lines ─► model ─► findings ─► lead (refusals by proof) ─► score, stage ─► Situation
    assess()  the same without reading: the facts known now

Reading is repeated after a crash without effect: known facts stay, and a stage only moves forward.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from beseda.core.chat import Conversation, Person
from beseda.core.errors import BesedaError
from beseda.core.message import Role
from beseda.core.usage import CallPurpose, Purpose
from beseda.engine.usage.budgeted import BotModels
from beseda.engine.usage.ledger import UsageLedger
from beseda.ephemeral.base import StateStore
from beseda.features.leads.contact import normalise_email, normalise_phone
from beseda.features.leads.evidence import find_fault, fold
from beseda.features.leads.model import DEFAULT_SOURCE, ConsentKind, Finding, Lead, LeadChange, PhoneEvidence
from beseda.features.leads.service import LeadService
from beseda.features.sales.extraction import ASK_CONSENT, Extractor, Reading
from beseda.features.sales.instructions import Situation
from beseda.features.sales.memory import SalesMemory, load_memory, save_memory
from beseda.features.sales.model import (
    DECLINES,
    TO_CONFIRM,
    WANTS_CONSULTATION,
    Funnel,
    KnownSlots,
    choose_confirmation,
    next_stage,
    plan_answer,
    score_fit,
)
from beseda.features.sales.repository import SalesRepository
from beseda.llm.extraction_prompt import DialogLine
from beseda.locales.text import RUSSIAN, language_of

log = logging.getLogger(__name__)

PAGE = 12  # messages that are read at once: what a failure has left is made up for within them
PROFILE = ConsentKind.PDPA_PROFILE


@dataclass(frozen=True, slots=True)
class SalesParts:
    """Dependencies of a sales service."""

    leads: LeadService
    store: SalesRepository
    state: StateStore
    models: BotModels
    usage_ledger: UsageLedger


@dataclass(frozen=True, slots=True)
class Talk:
    """A person's sale in their chat with a bot. `key` is the key of its memory in the state store."""

    conversation: Conversation
    person: Person
    key: str
    model: str = ""

    @property
    def bot(self) -> str:
        """The bot's name."""
        return self.conversation.key.bot


class SalesService:
    """The sales of one bot, by its funnel."""

    def __init__(self, funnel: Funnel, parts: SalesParts) -> None:
        self.funnel = funnel
        self.leads = parts.leads
        self._store = parts.store
        self._state = parts.state
        self._models = parts.models
        self._usage_ledger = parts.usage_ledger
        self._extractor = Extractor(funnel)

    async def find_lead(self, talk: Talk) -> Lead:
        """Return the person's lead, created if there is none. Raises StorageError."""
        return await self.leads.for_user(talk.bot, talk.person)

    async def note_source(self, talk: Talk, payload: str) -> None:
        """Keep the link by which a person came, unless their lead has a source already. Raises StorageError."""
        lead = await self.find_lead(talk)
        if lead.source == DEFAULT_SOURCE:
            await self.leads.change(lead.id, LeadChange(source=payload), actor="bot")

    async def assess(self, talk: Talk, signals: Collection[str] = ()) -> Situation:
        """Return the state of a sale from the known facts. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        return self._describe(await self.find_lead(talk), memory, signals)

    async def study(self, talk: Talk) -> Situation | None:
        """Read the person's new messages, store the facts, and return the resulting state of the sale.

        Return None if the model or the database failed: the next message repeats the reading.
        """
        try:
            return await self._study(talk)
        except BesedaError as error:
            log.warning("nothing was read of this message: %s: %s", type(error).__name__, error.detail)
        except Exception:  # whatever it is, the answer goes on
            log.exception("reading a message failed")
        return None

    async def advance(self, talk: Talk, signals: Collection[str]) -> Situation:
        """Update the sale after an event without text: a button, an appointment. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        lead = await self._move_on(await self.find_lead(talk), signals)
        return self._describe(lead, memory, signals)

    async def has_consent(self, lead_id: int, user_id: int) -> bool:
        """Return whether a person of the lead allows that their contact is kept. Raises StorageError."""
        consents = await self.leads.consents(lead_id)
        return any(one.holds and one.kind is PROFILE and one.user_id == user_id for one in consents)

    async def _is_allowed_by_others(self, lead_id: int, user_id: int) -> bool:
        """Return whether another person of a shared lead allows that its contact is kept."""
        consents = await self.leads.consents(lead_id)
        return any(one.holds and one.kind is PROFILE and one.user_id != user_id for one in consents)

    async def give_consent(self, talk: Talk, message_id: int) -> bool:
        """Store that the person consented in a message, then store the held contacts.

        Return False if no contact is known. Raises StorageError, and NotFoundError for a message of another person.
        """
        memory = await load_memory(self._state, talk.key)
        lead = await self.find_lead(talk)
        await self.leads.give_consent(lead.id, PROFILE, message_id)
        if memory.held:
            await self.leads.fill(lead.id, memory.held, self.funnel.thresholds)
        await save_memory(self._state, talk.key, replace(memory, held=(), asked=False, refused=False))
        return bool(self._list_contacts(await self.find_lead(talk)))

    async def revoke_consent(self, talk: Talk, message_id: int | None = None) -> None:
        """Keep that the person refuses or takes back, and drop the contacts they gave. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        lead = await self.find_lead(talk)
        for name in self._list_contacts(lead):
            await self.leads.drop(lead.id, name)
        if lead.contact and not await self._is_allowed_by_others(lead.id, talk.person.id):
            await self.leads.change(lead.id, LeadChange(contact=""), actor="bot")
        await self.leads.revoke_consent(lead.id, PROFILE, message_id)
        await save_memory(self._state, talk.key, replace(memory, held=(), asked=False, refused=True))

    async def allow_invitation(self, talk: Talk, message_id: int) -> None:
        """Keep that the person has asked for the file for their calendar. Raises StorageError and NotFoundError."""
        lead = await self.find_lead(talk)
        await self.leads.give_consent(lead.id, ConsentKind.CALENDAR_INVITE, message_id)

    async def keep_contact(self, talk: Talk, slot: str, value: str, message_id: int) -> bool:
        """Store a contact that the person sent on their own initiative, which implies consent.

        Return False if it is not valid or was not stored. Raises StorageError, and NotFoundError for a message of
        another person.
        """
        finding = Finding(slot, value, 1.0, message_id, value)
        if not _has_its_form(finding, self.leads.region):
            return False
        await self.give_consent(talk, message_id)
        lead = await self.find_lead(talk)
        # Telegram's button sends the number of the account that presses it: the one proof of a phone that there is.
        filled = await self.leads.fill(lead.id, [finding], self.funnel.thresholds, evidence=PhoneEvidence.TELEGRAM)
        await self._move_on(await self.find_lead(talk), ())
        return bool(filled.kept)

    async def note_asked(self, talk: Talk) -> None:
        """Keep that the consent has been asked for: it is asked for once. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        if not memory.asked:
            lead = await self.find_lead(talk)
            await self.leads.ask_consent(lead.id, PROFILE, talk.person)
            last = max((line.message_id for line in await self._store.lines(talk.conversation, 1)), default=0)
            await save_memory(self._state, talk.key, replace(memory, asked=True, asked_at=last))

    async def note_offered(self, talk: Talk) -> None:
        """Keep that a consultation was offered: from then on the button is enough. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        if memory.wants or not memory.offered:
            await save_memory(self._state, talk.key, replace(memory, offered=True, wants=False))

    async def take_news(self, talk: Talk) -> Lead | None:
        """Return the lead if the owner has to be notified of its score, otherwise None.

        The score has to reach the funnel's `offer_from`. After `note_told` the result is None. Raises StorageError.
        """
        lead, memory = await self.find_lead(talk), await load_memory(self._state, talk.key)
        return None if memory.told or lead.fit_score < self.funnel.offer_from else lead

    async def note_told(self, talk: Talk) -> None:
        """Keep that the owner knows. Raises StorageError."""
        memory = await load_memory(self._state, talk.key)
        await save_memory(self._state, talk.key, replace(memory, told=True))

    async def _study(self, talk: Talk) -> Situation:
        memory, lead = await load_memory(self._state, talk.key), await self.find_lead(talk)
        lines = await self._store.lines(talk.conversation, PAGE)
        memory = _forget_wiped(memory, lines)
        said = {line.message_id: line.text for line in lines}
        edited = _find_edited(memory, lines)
        new = [
            *edited,
            *(line.message_id for line in lines if line.role is Role.USER and line.message_id > memory.read_to),
        ]
        if not new:
            return self._describe(lead, memory, ())
        lead, memory = await self._drop_edited(lead, memory, {number: said[number] for number in edited})
        purpose = CallPurpose(talk.bot, Purpose.EXTRACTION, talk.conversation.id)
        model = self._usage_ledger.keep(await self._models.find(talk.model), purpose)
        page = _show_question(lines, memory, language_of(talk.person.language, RUSSIAN))
        reading = await self._extractor.read(model, page, self._list_doubts(lead))
        word, memory = await self._take_word(talk, reading, memory, max(new))
        memory = replace(memory, read_to=max(memory.read_to, *new), digests=_digest(lines))
        memory = await self._answer_doubts(lead, reading, memory)
        found = [one for one in reading.findings if self._is_news(lead, one, new, memory)]
        news = [one for one in found if self._is_proven(one, said)]
        memory = await self._keep(lead, talk.person.id, news, memory)
        lead = await self._move_on(await self.find_lead(talk), reading.signals)
        memory = _note_signals(memory, reading.signals)
        await save_memory(self._state, talk.key, memory)
        misspelt = next((one.value for one in found if self._is_misspelt(one, said, news)), "")
        return replace(self._describe(lead, memory, reading.signals), consent=word, misspelt=misspelt)

    async def _drop_edited(
        self, lead: Lead, memory: SalesMemory, edited: Mapping[int, str]
    ) -> tuple[Lead, SalesMemory]:
        """Empty the fields with a quote that edited messages no longer contain."""
        region, stale = self.leads.region, []
        for slot in lead.slots.values():
            if slot.message_id is not None and slot.message_id in edited:
                finding = Finding(slot.name, slot.value, slot.confidence, slot.message_id, slot.quote)
                stale += [slot.name] if find_fault(finding, edited[slot.message_id], region) else []
        for name in stale:
            lead = await self.leads.drop(lead.id, name)
        held = tuple(
            one
            for one in memory.held
            if one.message_id not in edited or not find_fault(one, edited[one.message_id], region)
        )
        return lead, replace(memory, held=held)

    async def _take_word(
        self, talk: Talk, reading: Reading, memory: SalesMemory, message_id: int
    ) -> tuple[str, SalesMemory]:
        """Take a yes or no in words and return it, empty for none: a yes while our question is open, a no always."""
        lead = await self.find_lead(talk)
        if reading.consent == "yes" and memory.asked:
            await self.give_consent(talk, message_id)
        elif reading.consent == "no" and (memory.asked or await self.has_consent(lead.id, talk.person.id)):
            await self.revoke_consent(talk, message_id)
        else:
            return "", memory
        return reading.consent, await load_memory(self._state, talk.key)

    async def _answer_doubts(self, lead: Lead, reading: Reading, memory: SalesMemory) -> SalesMemory:
        doubt = choose_confirmation(self.funnel, self._know(lead))  # the one that was asked about
        if doubt is None:
            return memory
        name = doubt[0].name
        if name in reading.confirmed:
            await self.leads.confirm(lead.id, name)
        elif name in reading.denied:
            await self.leads.drop(lead.id, name)
            return replace(memory, denied={**memory.denied, name: memory.read_to - 1})
        return memory

    async def _keep(self, lead: Lead, user_id: int, findings: Sequence[Finding], memory: SalesMemory) -> SalesMemory:
        """Store the findings that may be kept, and hold contacts back until the person consents."""
        contacts = [finding for finding in findings if self.funnel.slots[finding.slot].contact]
        if contacts and not await self.has_consent(lead.id, user_id):
            findings = [finding for finding in findings if finding not in contacts]
            held = {finding.slot: finding for finding in (*memory.held, *contacts)}
            # After a no it is not asked a second time, unless they ask for the question.
            memory = replace(memory, held=tuple(held.values())) if memory.asked or not memory.refused else memory
        if findings:
            filled = await self.leads.fill(lead.id, findings, self.funnel.thresholds)
            for refusal in filled.refused:
                log.info("%s is not believed: %s", refusal.finding.slot, refusal.reason)
        return memory

    async def _move_on(self, lead: Lead, signals: Collection[str]) -> Lead:
        """Bring score and stage up to date; the stage goes forward only."""
        # By all that is known, also from others of a merged lead: it has one score, whoever spoke last.
        known = self._know(await self.leads.find(lead.id))
        score = score_fit(self.funnel, known)
        stage = next_stage(self.funnel, lead.stage, score, known, signals).name
        change = LeadChange(
            fit_score=score if score != lead.fit_score else None, stage=stage if stage != lead.stage else None
        )
        if change != LeadChange():
            await self.leads.change(lead.id, change, actor="bot")
            return replace(lead, fit_score=score, stage=stage)
        return lead

    def _describe(self, lead: Lead, memory: SalesMemory, signals: Collection[str]) -> Situation:
        known, wishes = self._know(lead), {*signals}
        if memory.wants:  # read too late for the answer to it, or of an answer that failed
            wishes.add(WANTS_CONSULTATION)
        if memory.declined and WANTS_CONSULTATION not in wishes:
            wishes.add(DECLINES)
        plan = plan_answer(self.funnel, self.funnel.stage(lead.stage), known, wishes)
        held = {finding.slot for finding in memory.held}
        plan = replace(plan, ask=tuple(slot for slot in plan.ask if slot.name not in held))
        say_offer = plan.offer and (not memory.offered or WANTS_CONSULTATION in wishes)
        return Situation(lead, known, plan, bool(memory.held) and not memory.asked, say_offer)

    def _is_proven(self, finding: Finding, said: Mapping[int, str]) -> bool:
        """Return whether a contact occurs in its message, so that invented contacts are ignored."""
        if not self.funnel.slots[finding.slot].contact:
            return True
        region = self.leads.region
        return _has_its_form(finding, region) and not find_fault(finding, said[finding.message_id], region)

    def _is_misspelt(self, finding: Finding, said: Mapping[int, str], proven: Sequence[Finding]) -> bool:
        """Return whether the person wrote a phone that is no number anywhere, and none that is."""
        if finding.slot != "phone" or any(one.slot == "phone" for one in proven):
            return False
        stands = fold(finding.value) in fold(said.get(finding.message_id, ""))
        return stands and not normalise_phone(finding.value, self.leads.region)

    def _know(self, lead: Lead) -> KnownSlots:
        return {name: slot for name, slot in lead.slots.items() if name in self.funnel.slots}

    def _list_doubts(self, lead: Lead) -> Mapping[str, str]:
        return {name: known.value for name, known in self._know(lead).items() if known.state == TO_CONFIRM}

    def _list_contacts(self, lead: Lead) -> list[str]:
        return [name for name in lead.slots if name in self.funnel.slots and self.funnel.slots[name].contact]

    def _is_news(self, lead: Lead, finding: Finding, new: Sequence[int], memory: SalesMemory) -> bool:
        """Return whether a finding may change the lead. Older messages do not replace newer values."""
        slot = lead.slots.get(finding.slot)
        if finding.slot in memory.denied and finding.message_id <= memory.denied[finding.slot]:
            return False
        if slot is None:
            return True
        return finding.message_id in new and finding.message_id >= (slot.message_id or 0)


def _forget_wiped(memory: SalesMemory, lines: Sequence[DialogLine]) -> SalesMemory:
    """Return the memory without references to deleted messages, because SQLite reuses their ids."""
    if max((line.message_id for line in lines), default=0) >= memory.read_to:
        return memory
    return replace(memory, read_to=0, held=(), asked=False, asked_at=0, denied={}, digests={})


def _find_edited(memory: SalesMemory, lines: Sequence[DialogLine]) -> list[int]:
    """Return the messages that were read before and have other words now."""
    digests = _digest(lines)
    return [int(number) for number, digest in memory.digests.items() if digests.get(number, digest) != digest]


def _digest(lines: Sequence[DialogLine]) -> Mapping[str, int]:
    return {str(line.message_id): crc32(line.text.encode()) for line in lines if line.role is Role.USER}


def _show_question(lines: Sequence[DialogLine], memory: SalesMemory, language: str) -> list[DialogLine]:
    """Return the lines with the request for consent at its position. The database has no message for it."""
    if not memory.asked:
        return [*lines]
    before = [line for line in lines if line.message_id <= memory.asked_at]
    question = DialogLine(memory.asked_at, Role.ASSISTANT, ASK_CONSENT.say(language))
    return [*before, question, *(line for line in lines if line.message_id > memory.asked_at)]


def _has_its_form(finding: Finding, region: str) -> bool:
    """Return whether a phone is a phone and an address an address."""
    if finding.slot == "phone":
        return bool(normalise_phone(finding.value, region))
    return finding.slot != "email" or bool(normalise_email(finding.value))


def _note_signals(memory: SalesMemory, signals: Collection[str]) -> SalesMemory:
    if WANTS_CONSULTATION in signals:
        return replace(memory, declined=False, wants=True)
    return replace(memory, declined=True, wants=False) if DECLINES in signals else memory
