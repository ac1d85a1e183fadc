"""How much may be spent before the person is asked."""

from dataclasses import dataclass

from beseda.cli.answer import format_cost
from beseda.core.usage import Usage


@dataclass(slots=True)
class Budget:
    """Tokens and US dollars spent, and the caps on them; None is no cap. `/clear` gives nothing back."""

    cap_tokens: int | None = None
    cap_cost: float | None = None
    tokens: int = 0
    cost: float = 0.0
    _allowed_tokens: int = 0
    _allowed_cost: float = 0.0

    def __post_init__(self) -> None:
        self._allowed_tokens, self._allowed_cost = self.cap_tokens or 0, self.cap_cost or 0.0

    def spend(self, usage: Usage) -> None:
        """Add the tokens and the cost of a request."""
        self.tokens += usage.total_tokens
        self.cost += usage.cost or 0.0

    def find_excess(self, next_tokens: int) -> tuple[str, str] | None:
        """Return the amount spent and the cap if a request of about `next_tokens` would exceed the cap, else None."""
        if self.cap_tokens is not None and self.tokens + next_tokens > self._allowed_tokens:
            return f"{self.tokens} (+{next_tokens})", str(self._allowed_tokens)
        # The cost of the next request is unknown until its answer is there.
        if self.cap_cost is not None and self.cost >= self._allowed_cost:
            return format_cost(self.cost), format_cost(self._allowed_cost)
        return None

    def extend(self, next_tokens: int) -> None:
        """Allow as much again."""
        if self.cap_tokens is not None and self.tokens + next_tokens > self._allowed_tokens:
            self._allowed_tokens = self.tokens + next_tokens + self.cap_tokens
        if self.cap_cost is not None and self.cost >= self._allowed_cost:
            self._allowed_cost = self.cost + self.cap_cost
