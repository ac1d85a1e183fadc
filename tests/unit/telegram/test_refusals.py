"""Refusals by class, in the words of the Bot API."""

import pytest

from beseda.core.errors import TelegramConflictError, TelegramRefusedError
from beseda.telegram.refusals import Refusal, classify

UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)


@pytest.mark.parametrize(
    ("description", "refusal"),
    [
        (UNCHANGED, Refusal.UNCHANGED),
        ("MESSAGE_NOT_MODIFIED", Refusal.UNCHANGED),
        ("message to edit not found", Refusal.TARGET),
        ("message can't be edited", Refusal.TARGET),
        ("MESSAGE_ID_INVALID", Refusal.TARGET),
        ("MESSAGE_AUTHOR_REQUIRED", Refusal.TARGET),
        ("there is no text in the message to edit", Refusal.TARGET),
        ("message to be replied not found", Refusal.QUOTED),
        ("message thread not found", Refusal.THREAD),
        ("TOPIC_DELETED", Refusal.THREAD),
        ("can't parse entities: Can't find end tag corresponding to start tag \"b\"", Refusal.MARKUP),
        ('can\'t parse entities: Unsupported start tag "x" at byte offset 0', Refusal.MARKUP),
        ("message is too long", Refusal.MARKUP),
        ("message caption is too long", Refusal.MARKUP),
        ("MEDIA_CAPTION_TOO_LONG", Refusal.MARKUP),
        ("ENTITY_BOUNDS_INVALID", Refusal.MARKUP),
        ("PHOTO_INVALID_DIMENSIONS", Refusal.MEDIA),
        ("IMAGE_PROCESS_FAILED", Refusal.MEDIA),
        ("not enough rights to send text messages to the chat", Refusal.CHAT),
        ("have no rights to send a message", Refusal.CHAT),
        ("need administrator rights in the channel chat", Refusal.CHAT),
        ("CHAT_WRITE_FORBIDDEN", Refusal.CHAT),
        ("CHAT_SEND_PLAIN_FORBIDDEN", Refusal.CHAT),
        ("CHAT_SEND_PHOTOS_FORBIDDEN", Refusal.CHAT),
        ("TOPIC_CLOSED", Refusal.CHAT),
        ("chat not found", Refusal.CHAT),
        ("group chat was deactivated", Refusal.CHAT),
        ("CHANNEL_PRIVATE", Refusal.CHAT),
        ("PEER_ID_INVALID", Refusal.CHAT),
        ("BUTTON_DATA_INVALID", Refusal.OTHER),
        ("message text is empty", Refusal.OTHER),
        ("query is too old and response timeout expired or query ID is invalid", Refusal.OTHER),
    ],
)
def test_refusal_of_a_message_is_sorted_by_its_words(description: str, refusal: Refusal) -> None:
    assert classify(TelegramRefusedError("sendMessage", 400, f"Bad Request: {description}")) is refusal


@pytest.mark.parametrize(
    ("code", "description", "refusal"),
    [
        (404, "Not Found: method not found", Refusal.DRAFTS_ON_SERVER),
        (404, "Not Found", Refusal.DRAFTS_ON_SERVER),
        (400, "Bad Request: TEXTDRAFT_PEER_INVALID", Refusal.DRAFTS_IN_CHAT),
        (400, "Bad Request: message thread not found", Refusal.DRAFTS_IN_CHAT),
        (400, "Bad Request: chat not found", Refusal.DRAFTS_IN_CHAT),
        (400, "Bad Request: drafts are not allowed in this chat", Refusal.DRAFTS_IN_CHAT),
        (400, "Bad Request: can't parse entities: unclosed start tag", Refusal.MARKUP),
    ],
)
def test_refusal_of_a_draft_concerns_the_chat_or_the_server(code: int, description: str, refusal: Refusal) -> None:
    assert classify(TelegramRefusedError("sendMessageDraft", code, description)) is refusal


def test_file_that_is_too_big_is_known_by_its_words() -> None:
    assert classify(TelegramRefusedError("getFile", 400, "Bad Request: file is too big")) is Refusal.FILE_SIZE


@pytest.mark.parametrize(
    ("description", "refusal"),
    [
        ("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first", Refusal.WEBHOOK),
        ("Conflict: terminated by other getUpdates request; make sure that only one bot runs", Refusal.OTHER),
    ],
)
def test_conflict_with_a_webhook_is_distinguished_from_one_with_another_poller(
    description: str, refusal: Refusal
) -> None:
    assert classify(TelegramConflictError("getUpdates", 409, description)) is refusal
