"""What a model is asked before a meeting."""

from dataclasses import replace
from datetime import UTC, datetime

from beseda.features.leads.model import Lead, LeadSlot, LeadStatus, SlotState
from beseda.features.meetings.briefing import list_facts, write_request
from beseda.llm.demo import DemoModel
from beseda.testing.clock import ManualClock
from tests.parts.model_events import listen

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BUDGET = LeadSlot("budget", "500 тысяч", 0.9, 3, "500 тысяч", SlotState.ACCEPTED, NOW, 7)
LEAD = Lead(1, "sales", 7, "Анна", "", "", "", "telegram", LeadStatus.ACTIVE, "", "", "", 20, 1, NOW, NOW)


async def test_demo_points_at_the_facts_in_place_of_talking_of_itself() -> None:
    lead = replace(LEAD, slots={"budget": BUDGET})
    request = write_request(list_facts(lead), "Человек: бюджет 500 тысяч", "ru", lead.user_id or 0)
    heard = await listen(DemoModel(ManualClock(instant=True)), request)
    assert heard.text.startswith("Ниже цитаты собеседника.")
    assert "демо-режим" in heard.text
    assert "нейросеть" not in heard.text


def test_doubtful_fact_is_no_fact() -> None:
    doubt = replace(BUDGET, state=SlotState.TO_ASK)
    assert list_facts(replace(LEAD, slots={"budget": doubt})) == []
