"""The message id that an update brings."""

import pytest

from beseda.engine.updates.model import find_message_id


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"update_id": 1, "message": {"message_id": 5, "chat": {"id": 7}}}, (5, 0)),
        ({"update_id": 1, "edited_message": {"message_id": 5, "chat": {"id": -10}}}, (5, 0)),
        ({"update_id": 1, "message": {"message_id": 5, "chat": {"id": -1_000_000_000_042}}}, (5, -1_000_000_000_042)),
        ({"update_id": 1, "callback_query": {"id": "1", "message": {"message_id": 5, "chat": {"id": 7}}}}, (None, 0)),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": 7}}}, (None, 0)),
        ({"update_id": 1, "message": {"message_id": "5", "chat": {"id": 7}}}, (None, 0)),
        ({"update_id": 1, "message": {"message_id": 5, "chat": None}}, (None, 0)),
        ({"update_id": 1, "message": {"message_id": 2**70, "chat": {"id": 7}}}, (None, 0)),
        ({"update_id": 1, "message": {"message_id": 5, "chat": {"id": -(2**70)}}}, (None, 0)),
    ],
)
def test_message_id_is_read_from_messages_alone(content: dict[str, object], found: tuple[int | None, int]) -> None:
    assert find_message_id(content) == found
