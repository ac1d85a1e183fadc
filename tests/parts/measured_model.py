"""A scripted model with a context of its own that counts a token for each character."""

from beseda.core.errors import UnavailableError
from beseda.llm.base import ChatModel, ModelWrapper
from beseda.testing.scripted_model import ScriptedModel


class Counting:
    """Counts a token for each character, and its own calls; `fault` is raised instead."""

    def __init__(self, context: int, fault: UnavailableError | None = None, *, counts: bool = True) -> None:
        self.context = context
        self.counted: list[str] = []
        self._fault = fault
        self._counts = counts

    async def context_size(self) -> int | None:
        if self._fault:
            raise self._fault
        return self.context

    async def count_tokens(self, text: str) -> int | None:
        self.counted.append(text)
        return len(text) if self._counts else None


class Measured(ModelWrapper):
    """A scripted model that is measured."""

    def __init__(self, measuring: Counting, model: ChatModel | None = None) -> None:
        super().__init__(model or ScriptedModel([]))
        self._measuring = measuring

    @property
    def measuring(self) -> Counting:
        return self._measuring
