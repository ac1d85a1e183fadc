"""What every model around another model has in common."""

from collections.abc import AsyncGenerator

from beseda.llm.base import ChatModel, Measuring, ModelEvent, ModelHealth, ModelRequest, find_measuring


class ModelWrapper:
    """A `ChatModel` that is another one in all that its subclass does not do otherwise."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def measuring(self) -> Measuring | None:
        return find_measuring(self._model)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer. Raises a leaf of RemoteError."""
        return self._model.stream(request)

    async def check(self) -> ModelHealth:
        return await self._model.check()

    async def close(self) -> None:
        await self._model.close()
