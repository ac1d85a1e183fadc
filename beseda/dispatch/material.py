"""What a mode is given to work on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from beseda.dispatch.events import Attachment, IncomingMessage, Kind


@dataclass(frozen=True, slots=True)
class Material:
    """What a mode is given: words, or a file with a caption."""

    kind: Kind
    text: str = ""
    attachment: Attachment | None = None

    @classmethod
    def of(cls, event: IncomingMessage) -> "Material":
        """Return what a message brings."""
        return cls(event.kind, event.text, event.attachment)

    def write(self) -> dict[str, object]:
        """Return it as JSON, for the state store."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> "Material":
        """Return what `write` wrote."""
        fields = stored["attachment"]
        attachment = Attachment(**{**fields, "kind": Kind(fields["kind"])}) if isinstance(fields, dict) else None
        return cls(Kind(str(stored["kind"])), str(stored["text"]), attachment)
