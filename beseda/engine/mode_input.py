"""Input of a mode."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from beseda.engine.incoming import Attachment, IncomingMessage, MessageKind


@dataclass(frozen=True, slots=True)
class ModeInput:
    """Input of a mode: a text, or a file with a caption."""

    kind: MessageKind
    text: str = ""
    attachment: Attachment | None = None

    @classmethod
    def of(cls, event: IncomingMessage) -> "ModeInput":
        """Return the input that a message carries."""
        return cls(event.kind, event.text, event.attachment)

    def write(self) -> dict[str, object]:
        """Return it as JSON, for the state store."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> "ModeInput":
        """Return the input from the JSON that `write` returned."""
        fields = stored["attachment"]
        attachment = Attachment(**{**fields, "kind": MessageKind(fields["kind"])}) if isinstance(fields, dict) else None
        return cls(MessageKind(str(stored["kind"])), str(stored["text"]), attachment)
