"""The type of a document: the type or name given by its sender, or else the type of its first bytes."""

import logging
from dataclasses import replace

from beseda.core.errors import BesedaError
from beseda.core.mime import HEAD_BYTES, sniff
from beseda.engine.incoming import Attachment, MessageKind
from beseda.telegram.client import BotApi

log = logging.getLogger(__name__)

SOUNDS = ("audio/", "video/", "application/ogg")
"""How types of files begin that may hold speech."""


async def identify(api: BotApi, attachment: Attachment) -> Attachment:
    """Return `attachment` with its MIME type. The type stays empty if the content is not recognised or cannot be
    fetched.
    """
    if attachment.kind is not MessageKind.DOCUMENT or attachment.mime:
        return attachment
    try:
        return replace(attachment, mime=sniff(await api.peek(attachment.file_id, HEAD_BYTES)))
    except BesedaError as error:
        log.info("a document of unknown type was not looked into: %s", error.detail)
        return attachment
