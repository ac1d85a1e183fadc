"""Actions of a user in a chat: write, send files, press buttons, react, stop an answer, block the bot."""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from botapi_sandbox.attachments import describe_file
from botapi_sandbox.chats import MEDIA_KINDS, make_reference
from botapi_sandbox.formatted_text import count_units
from botapi_sandbox.methods.chats import describe_member
from botapi_sandbox.methods.reactions import check_reaction
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.replies import describe_forward
from botapi_sandbox.services import PendingCallback
from botapi_sandbox.validation import MAX_TEXT_UNITS, check_caption, check_text

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, Json
    from botapi_sandbox.files import ReceivedFile
    from botapi_sandbox.formatted_text import FormattedText
    from botapi_sandbox.services import SandboxServices

MAX_PASTE = 200_000
_MAX_REACTIONS = 3  # of a person with Telegram Premium
_EDITED = ("text", "entities", "caption", "caption_entities")
_PHONE = re.compile(r"\+?[\d ()-]{5,20}")


def get_dialog(services: SandboxServices, key: str) -> Dialog:
    """The dialog with this address; raises ApiRefusalError 404."""
    dialog = services.state.open_dialog(key)
    if dialog is None:
        raise ApiRefusalError(404, "There is no such dialog")
    return dialog


def get_user(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Return the acting user. Raises ApiRefusalError if the user is not in the dialog."""
    user_id = _to_int(fields.get("user_id") or (dialog.chat_id if dialog.is_private else 0), "user_id")
    user = services.state.users.get(user_id)
    if user is None or (dialog.is_private and user_id != dialog.chat_id):
        raise bad_request("this user is not in the dialog")
    return user


def write_text(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """A text message, or several when it is too long for one, as Telegram's apps cut a paste; returns the first.

    Raises ApiRefusalError for an empty text.
    """
    user = get_user(services, dialog, fields)
    _check_can_write(dialog)
    head = _read_head(services, dialog, fields)
    text = str(fields.get("text") or "")[:MAX_PASTE]
    pieces = cut_paste(text, MAX_TEXT_UNITS)
    entities = fields.get("entities") if len(pieces) == 1 else None
    texts = [services.parser.format(piece, "", entities) for piece in pieces]
    contents = [_describe_text(text) for text in texts if text.text]
    if not contents:
        raise bad_request("text must be non-empty")
    first, *_ = [services.state.add_user_message(user, dialog, {**head, **content}) for content in contents]
    return first.to_view()


def _describe_text(text: FormattedText) -> Json:
    return {"text": text.text, **({"entities": text.entities} if text.entities else {})}


def cut_paste(text: str, limit: int) -> list[str]:
    """Split a text into pieces of at most `limit` UTF-16 units, near the limit at the end of a line or word if
    possible.
    """
    pieces = []
    while count_units(text) > limit:
        fitting = text.encode("utf-16-le", "surrogatepass")[: limit * 2].decode("utf-16-le", "ignore")
        end = max(fitting.rfind("\n", len(fitting) // 2), fitting.rfind(" ", len(fitting) * 3 // 4)) + 1
        end = end or len(fitting)
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text]


def edit_text(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Change the text or the caption of a message of this user; bots get `edited_message`. Raises ApiRefusalError."""
    user = get_user(services, dialog, fields)
    _check_can_write(dialog)
    stored = dialog.messages.get(_to_int(fields.get("message_id"), "message_id"))
    if stored is None or stored.message["from"] != user or "forward_origin" in stored.message:
        raise bad_request("there is no such message of this user")
    text = services.parser.format(str(fields.get("text") or ""), "", fields.get("entities"))
    if "text" in stored.message:
        check_text(text)
        content = _describe_text(text)
    else:
        content = _replace_caption(stored.message, text)
    if all(stored.message.get(name) == content.get(name) for name in _EDITED):
        raise bad_request("MESSAGE_NOT_MODIFIED")
    services.state.edit_user_message(dialog, stored, content)
    return stored.to_view()


def _replace_caption(message: Json, text: FormattedText) -> Json:
    media = {kind: message[kind] for kind in MEDIA_KINDS if kind in message}
    if not media or "video_note" in media:
        raise bad_request("there is no such message of this user")
    check_caption(text)
    caption: Json = {"caption": text.text} if text.text else {}
    return {**media, **caption, **({"caption_entities": text.entities} if text.entities else {})}


def _check_can_write(dialog: Dialog) -> None:
    if dialog.blocked:
        raise bad_request("unblock the bot first")


async def send_file(services: SandboxServices, dialog: Dialog, fields: Json, upload: ReceivedFile) -> Json:
    """A file of a kind, with or without a caption; raises ApiRefusalError."""
    user = get_user(services, dialog, fields)
    kind = str(fields.get("kind") or "document")
    if kind not in MEDIA_KINDS:
        raise bad_request(f"kind must be one of {', '.join(MEDIA_KINDS)}")
    _check_can_write(dialog)
    head = _read_head(services, dialog, fields)
    caption = services.parser.format(str(fields.get("caption") or ""))
    check_caption(caption)
    stored = await services.files.save(upload, kind, owners=_list_names(services, dialog))
    numbers = ("duration", "width", "height", "length")
    details = {name: _to_int(float(fields[name]), name) for name in numbers if fields.get(name)}
    content = describe_file(stored, kind, details)
    if kind == "voice":
        # A browser records voice in its own container; a person's voice message is one whatever it is.
        voice = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size}
        seconds = details.get("duration") or stored.seconds or 0
        content = {"voice": {**voice, "duration": seconds, "mime_type": "audio/ogg"}}
    if caption.text:
        content["caption"] = caption.text
    if caption.entities:
        content["caption_entities"] = caption.entities
    if fields.get("media_group_id"):
        content["media_group_id"] = str(fields["media_group_id"])[:64]
    return services.state.add_user_message(user, dialog, {**head, **content}).to_view()


def _read_head(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    head: Json = {}
    replied = dialog.messages.get(_to_int(fields.get("reply_to_message_id"), "reply_to_message_id"))
    thread_id = _to_int(fields.get("message_thread_id"), "message_thread_id")
    if not thread_id and replied is not None:
        thread_id = replied.message.get("message_thread_id", 0)
    if thread_id and dialog.has_topics:
        if not dialog.has_topic(thread_id):
            raise bad_request("there is no such topic")
        head["message_thread_id"] = thread_id
    if replied is not None:
        head["reply_to_message"] = make_reference(replied.message)
        # The bots of the chat are sent the file with the reply: all of them may use it.
        for found in (replied.message.get(kind) or [] for kind in MEDIA_KINDS):
            for file in found if isinstance(found, list) else [found]:
                services.files.grant(file["file_id"], _list_names(services, dialog))
    forward = fields.get("forward_from")
    if isinstance(forward, dict) and forward.get("first_name"):
        name = str(forward["first_name"])[:64]
        head.update(describe_forward({"type": "hidden_user", "sender_user_name": name, "date": int(time.time())}))
    return head


def _list_names(services: SandboxServices, dialog: Dialog) -> list[str]:
    return [bot.username for bot in services.state.list_bots(dialog)]


def share_contact(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Send a contact: the user's own by default, as the bot's button does.

    With `contact_user_id` it is the contact of that user, or with 0 one without a user id. Raises ApiRefusalError for
    an invalid number.
    """
    user = get_user(services, dialog, fields)
    _check_can_write(dialog)
    phone = str(fields.get("phone_number") or f"+7900{user['id'] % 10_000_000:07}")
    if not _PHONE.fullmatch(phone):
        raise bad_request("phone_number must be 5 to 20 digits")
    owner = _to_int(fields.get("contact_user_id", user["id"]), "contact_user_id")
    person = services.state.users.get(owner, {})
    name = str(fields.get("first_name") or person.get("first_name") or "Somebody")[:64]
    contact = {"phone_number": phone, "first_name": name, **({"user_id": owner} if owner else {})}
    return services.state.add_user_message(
        user, dialog, {**_read_head(services, dialog, fields), "contact": contact}
    ).to_view()


def press_button(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """A callback query from an inline button that is really there; raises ApiRefusalError."""
    user = get_user(services, dialog, fields)
    stored = dialog.messages.get(_to_int(fields.get("message_id"), "message_id"))
    data = str(fields.get("data") or "")
    rows = (stored.message.get("reply_markup") or {}).get("inline_keyboard", ()) if stored else ()
    known = {button.get("callback_data") for row in rows for button in row}
    if stored is None or stored.bot is None or data not in known:
        raise bad_request("there is no such button")
    callback_id = str(secrets.randbits(62))
    services.add_callback(callback_id, PendingCallback(stored.bot, dialog, time.monotonic()))
    query = {"id": callback_id, "from": user, "message": stored.message, "data": data}
    stored.bot.queue.push("callback_query", {**query, "chat_instance": str(abs(dialog.chat_id))}, user["id"])
    return {"id": callback_id}


def react(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Replace a person's reactions to a message; `reaction` is an emoji or a list of them.

    Bots that ask for `message_reaction` get it: in a private chat, and in a group as its administrators (#update).
    """
    user = get_user(services, dialog, fields)
    stored = dialog.messages.get(_to_int(fields.get("message_id"), "message_id"))
    if stored is None or stored.is_service:
        raise bad_request("there is no such message")
    given = fields.get("reaction") or []
    emoji = given if isinstance(given, list) else [given]
    if len(emoji) > _MAX_REACTIONS:
        raise bad_request("REACTIONS_TOO_MANY")
    new = [check_reaction({"type": "emoji", "emoji": one}) for one in emoji]
    old = stored.user_reactions.pop(user["id"], [])
    if new:
        stored.user_reactions[user["id"]] = new
    if old == new:
        return stored.to_view()
    number = stored.message["message_id"]
    services.events.publish(dialog.key, "user_reaction", message_id=number, reactions=new, user_id=user["id"])
    change = {"chat": dialog.chat, "message_id": number, "user": user, "date": int(time.time())}
    for bot in services.state.list_bots(dialog):
        if (dialog.is_private and not dialog.blocked) or dialog.is_administrator(bot):
            update = {**change, "old_reaction": old, "new_reaction": new}
            bot.queue.push("message_reaction", update, dialog.chat_id)
    return stored.to_view()


def set_administrator(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Give a bot an administrator's rights in a group or take them back; the bot gets `my_chat_member`."""
    user = get_user(services, dialog, fields)
    bot = services.state.find_bot(str(fields.get("bot") or ""))
    if dialog.is_private or bot is None:
        raise bad_request("bot must be known and the dialog a group")
    owner_id = next(iter(services.state.users))
    if user["id"] != owner_id:
        raise bad_request("only the owner of the group can do that")
    old = describe_member(dialog, owner_id, bot.user)
    if fields.get("is_administrator", True):
        dialog.administrators.add(bot.username)
    else:
        dialog.administrators.discard(bot.username)
    new = describe_member(dialog, owner_id, bot.user)
    if old != new:
        change = {"chat": dialog.chat, "from": user, "date": int(time.time())}
        bot.queue.push("my_chat_member", {**change, "old_chat_member": old, "new_chat_member": new}, dialog.chat_id)
    return new


def stop_draft(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """The stop button of a streamed draft; raises ApiRefusalError when there is none."""
    get_user(services, dialog, fields)
    draft = dialog.draft
    if draft is None or dialog.bot is None or draft.draft_id != _to_int(fields.get("draft_id"), "draft_id"):
        raise bad_request("there is no such draft")
    if not draft.can_stop:
        raise bad_request("this draft cannot be stopped")
    # Telegram's server writes the number as text, though its page says Integer.
    stopped = {"chat": dialog.chat, "draft_id": str(draft.draft_id)}
    if draft.keep_on_stop:
        draft.can_stop = False
        services.events.publish(dialog.key, "draft", draft=draft.to_view())
    else:
        services.state.end_draft(dialog)
    dialog.bot.queue.push("stopped_message_generation", stopped, dialog.chat_id)
    return {"ok": True}


def set_blocked(services: SandboxServices, dialog: Dialog, fields: Json) -> Json:
    """Block or unblock the bot of a private chat; raises ApiRefusalError in a group."""
    user = get_user(services, dialog, fields)
    if not dialog.is_private:
        raise bad_request("only a private chat can be blocked")
    services.state.set_blocked(dialog, user, blocked=bool(fields.get("blocked", True)))
    return {"ok": True}


def _to_int(value: Any, name: str) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        raise bad_request(f"{name} must be a number") from None
