"""The budgets of a process, as the settings have them."""

from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.engine.usage.budget import BudgetRules, BudgetScope, read_limits
from beseda.engine.usage.budget_service import BudgetService
from beseda.engine.usage.repository import BudgetRepository


def build_budgets(settings: Settings, store: BudgetRepository, clock: Clock) -> BudgetService:
    """Return the service that reserves and settles, with the limits of `settings`."""
    names = [f"{scope}_{what}" for scope in BudgetScope for what in ("tokens", "speech_minutes", "pictures")]
    limits = read_limits({name: getattr(settings, f"budget_{name}") for name in names})
    return BudgetService(store, clock, BudgetRules(limits, ",".join(settings.budget_cheaper_model), settings.time_zone))
