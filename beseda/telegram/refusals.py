"""Classes of refusals, read from the words of Telegram's Bot API. No other module reads those words.

Sources: https://github.com/tdlib/telegram-bot-api (Client.cpp), https://core.telegram.org/api/errors, and the issues of
bot libraries. The API documents no codes for them: words are all there is.
"""

from collections.abc import Sequence
from enum import StrEnum

from beseda.core.errors import TelegramConflictError, TelegramRefusedError


class Refusal(StrEnum):
    """The part of a call that Telegram refused."""

    MARKUP = "markup"  # the formatting or the length of a text
    MEDIA = "media"  # a picture that is no photo to Telegram: its sides, its type
    THREAD = "thread"  # the topic is gone; the chat is not
    QUOTED = "quoted"  # the message that was to be replied to is gone
    CHAT = "chat"  # the bot may not write there: rights, a closed topic, a chat that ended
    UNCHANGED = "unchanged"  # an edit that would change nothing
    TARGET = "target"  # the message to edit is gone, or cannot be edited
    FILE_SIZE = "file size"  # the file is too big to be handed to a bot
    WEBHOOK = "webhook"  # a webhook is set, so updates cannot be polled
    DRAFTS_IN_CHAT = "drafts in this chat"
    DRAFTS_ON_SERVER = "drafts on this server"
    OTHER = "other"


# Lower case. The first row that fits decides: what concerns one message stands above what concerns its chat.
_WORDS: Sequence[tuple[Refusal, tuple[str, ...]]] = (
    (Refusal.UNCHANGED, ("message is not modified", "message_not_modified")),
    (
        Refusal.TARGET,
        (
            "message to edit not found",
            "message can't be edited",
            "message_id_invalid",
            "message identifier is not specified",
            "message_author_required",
            "message_edit_time_expired",
            "there is no text in the message to edit",
            "there is no caption in the message to edit",
        ),
    ),
    (
        Refusal.QUOTED,
        (
            "message to be replied not found",
            "message to reply not found",
            "replied message not found",
            "reply_message_id",
        ),
    ),
    (
        Refusal.THREAD,
        ("message thread not found", "topic_deleted", "topic_id_invalid", "topic not found", "thread_id_invalid"),
    ),
    (
        Refusal.MARKUP,
        (
            "can't parse entities",
            "can't parse message text",
            "can't parse caption",
            "unsupported start tag",
            "entity_bounds_invalid",
            "entity_text_invalid",
            "entities_too_long",
            "message is too long",
            "message_too_long",
            "caption is too long",
            "caption_too_long",
        ),
    ),
    (
        Refusal.MEDIA,
        (
            "photo_invalid",
            "photo_save_file_invalid",
            "photo_ext_invalid",
            "image_process_failed",
            "wrong type of the file",
            "too big for a photo",
        ),
    ),
    (Refusal.FILE_SIZE, ("file is too big",)),
    (Refusal.WEBHOOK, ("webhook",)),
    (
        Refusal.CHAT,
        (
            "not enough rights",
            "have no rights",
            "have no write access",
            "need administrator rights",
            "chat_write_forbidden",
            "_forbidden",  # CHAT_SEND_PLAIN_FORBIDDEN and its siblings, one for each kind of message
            "chat_admin_required",
            "chat_restricted",
            "channel_private",
            "topic_closed",
            "chat not found",
            "chat is deactivated",
            "group chat was deactivated",
            "group chat was upgraded",
            "group is deactivated",
            "user is deactivated",
            "user_deactivated",
            "user_is_blocked",
            "user not found",
            "peer_id_invalid",
            "bot is not a member",
            "bot was kicked",
            "bot was blocked",
            "payment_required",
        ),
    ),
)
_DRAFT, _NOT_FOUND = "sendMessageDraft", 404


def classify(error: TelegramRefusedError | TelegramConflictError) -> Refusal:
    """Return the class of a refusal, from its description; that of a draft depends on its method and code as well."""
    words = error.description.lower()
    found = next((refusal for refusal, phrases in _WORDS if any(phrase in words for phrase in phrases)), Refusal.OTHER)
    if error.method != _DRAFT or found is Refusal.MARKUP:
        return found
    # A server that does not know the method answers 404; any other refusal concerns the chat.
    return Refusal.DRAFTS_ON_SERVER if error.code == _NOT_FOUND else Refusal.DRAFTS_IN_CHAT
