"""The conformance list of docs/sandbox.md as a table: a call, and the words Telegram refuses it with."""

from typing import Any

import pytest

from tests.parts.sandboxes import ANNA, FORUM, GROUP, BotClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = 999
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
ENTITIES = "Bad Request: can't parse entities: "
ALBUM = "Bad Request: failed to send message #1 with the error message "
INLINE = "Bad Request: can't parse inline keyboard button: "


def button(**fields: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **fields}]]}


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {"chat_id": ANNA, "text": said, **fields}


Row = tuple[str, dict[str, Any], str]

TEXTS: list[Row] = [
    ("sendMessage", {"chat_id": ANNA}, "Bad Request: message text is empty"),
    ("sendMessage", text(""), "Bad Request: message text is empty"),
    ("sendMessage", text(" \n "), "Bad Request: text must be non-empty"),
    ("sendMessage", text("<b></b>", parse_mode="HTML"), "Bad Request: text must be non-empty"),
    ("sendMessage", text("\u200b"), "Bad Request: text must be non-empty"),
    ("sendMessage", text("я" * 4097), "Bad Request: message is too long"),
    ("sendMessage", text("😀" * 2049), "Bad Request: message is too long"),
    ("sendMessage", text("я" * 20_000), "Bad Request: text is too long"),
    ("sendMessage", text("x", parse_mode="bbcode"), "Bad Request: unsupported parse_mode"),
    ("sendMessage", text("<b>x", parse_mode="HTML"), ENTITIES + 'Can\'t find end tag corresponding to start tag "b"'),
    ("sendMessage", text("<h1>", parse_mode="html"), ENTITIES + 'Unsupported start tag "h1" at byte offset 0'),
    (
        "sendMessage",
        text("<b><i>x</b></i>", parse_mode="HTML"),
        ENTITIES + 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
    ),
    (
        "sendMessage",
        text("1.", parse_mode="MarkdownV2"),
        ENTITIES + "Character '.' is reserved and must be escaped with the preceding '\\'",
    ),
    (
        "sendMessage",
        text("a*b", parse_mode="Markdown"),
        ENTITIES + "Can't find end of the entity starting at byte offset 1",
    ),
    (
        "sendMessage",
        text("x", entities=[{"type": "magic", "offset": 0, "length": 1}]),
        "Bad Request: can't parse MessageEntity: Unsupported type specified",
    ),
    ("sendMessage", text("x", link_preview_options="[]"), "Bad Request: object expected as link preview options"),
]
CHATS: list[Row] = [
    ("sendMessage", {"text": "x"}, "Bad Request: chat_id is empty"),
    ("sendMessage", {"chat_id": NOWHERE, "text": "x"}, "Bad Request: chat not found"),
    ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "Bad Request: chat not found"),
    ("sendMessage", {"chat_id": 1000000002, "text": "x"}, "Forbidden: the bot can't send messages to the bot"),
    ("sendMessage", text("x", reply_parameters={"message_id": 1}), "Bad Request: message to be replied not found"),
    ("sendMessage", text("x", reply_to_message_id=1), "Bad Request: message to be replied not found"),
    (
        "sendMessage",
        text("x", reply_parameters={"message_id": "$said", "quote": "нет такого"}),
        "Bad Request: QUOTE_TEXT_INVALID",
    ),
    ("sendMessage", text("x", message_thread_id=5), "Bad Request: message thread not found"),
    (
        "sendMessage",
        {"chat_id": FORUM, "text": "x", "message_thread_id": 77},
        "Bad Request: message thread not found",
    ),
    ("getChat", {"chat_id": NOWHERE}, "Bad Request: chat not found"),
    ("getChatMember", {"chat_id": GROUP}, "Bad Request: invalid user_id specified"),
    ("getChatMember", {"chat_id": GROUP, "user_id": NOWHERE}, "Bad Request: member not found"),
    ("getChatAdministrators", {"chat_id": ANNA}, "Bad Request: there are no administrators in the private chat"),
    ("getUserProfilePhotos", {"user_id": NOWHERE}, "Bad Request: user not found"),
    ("sendChatAction", {"chat_id": ANNA, "action": "dancing"}, "Bad Request: wrong parameter action in request"),
]
KEYBOARDS: list[Row] = [
    ("sendMessage", text("x", reply_markup="{"), "Bad Request: can't parse reply keyboard markup JSON object"),
    ("sendMessage", text("x", reply_markup="[]"), "Bad Request: object expected as reply markup"),
    (
        "sendMessage",
        text("x", reply_markup={"inline_keyboard": [{}]}),
        'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
    ),
    (
        "sendMessage",
        text("x", reply_markup={"keyboard": ["x"]}),
        'Bad Request: field "keyboard" must be an Array of Arrays',
    ),
    ("sendMessage", text("x", reply_markup=button()), INLINE + "Text buttons are unallowed in the inline keyboard"),
    (
        "sendMessage",
        text("x", reply_markup=button(callback_data="")),
        INLINE + "Text buttons are unallowed in the inline keyboard",
    ),
    ("sendMessage", text("x", reply_markup=button(callback_data="я" * 33)), "Bad Request: BUTTON_DATA_INVALID"),
    (
        "sendMessage",
        text("x", reply_markup=button(url="http://localhost:80")),
        "Bad Request: inline keyboard button URL 'http://localhost:80' is invalid: Wrong HTTP URL",
    ),
    (
        "sendMessage",
        text("x", reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "y"}]] * 101}),
        "Bad Request: reply markup is too long",
    ),
    (
        "sendMessage",
        {"chat_id": GROUP, "text": "x", "reply_markup": {"keyboard": [[{"text": "x", "request_contact": True}]]}},
        "Bad Request: phone number can be requested in private chats only",
    ),
]
EDITS: list[Row] = [
    ("editMessageText", {"text": "x"}, "Bad Request: message identifier is not specified"),
    ("editMessageText", text("x", message_id=1), "Bad Request: message to edit not found"),
    ("editMessageText", text("", message_id="$text"), "Bad Request: message text is empty"),
    ("editMessageText", text("*один*", message_id="$text", parse_mode="MarkdownV2"), NOT_MODIFIED),
    ("editMessageText", text("x", message_id="$said"), "Bad Request: message can't be edited"),
    ("editMessageText", text("x", message_id="$keys"), "Bad Request: message can't be edited"),
    ("editMessageText", text("меню", message_id="$keys"), "Bad Request: message can't be edited"),
    ("editMessageText", text("x", message_id="$forced"), "Bad Request: message can't be edited"),
    ("editMessageText", text("x", message_id="$removed"), "Bad Request: message can't be edited"),
    ("editMessageReplyMarkup", {"chat_id": ANNA, "message_id": "$removed"}, "Bad Request: message can't be edited"),
    (
        "editMessageText",
        {"chat_id": GROUP, "message_id": "$others", "text": "x"},
        "Bad Request: message can't be edited",
    ),
    ("editMessageText", text("x", message_id="$forward"), "Bad Request: message can't be edited"),
    ("editMessageText", text("x", message_id="$photo"), "Bad Request: there is no text in the message to edit"),
    (
        "editMessageCaption",
        {"chat_id": ANNA, "message_id": "$text", "caption": "x"},
        "Bad Request: there is no caption in the message to edit",
    ),
    (
        "editMessageCaption",
        {"chat_id": ANNA, "message_id": "$photo", "caption": "x" * 1025},
        "Bad Request: MEDIA_CAPTION_TOO_LONG",
    ),
    ("editMessageCaption", {"chat_id": ANNA, "message_id": "$photo", "caption": "подпись"}, NOT_MODIFIED),
    (
        "editMessageReplyMarkup",
        {"chat_id": ANNA, "message_id": "$inline", "reply_markup": button(text="Да", callback_data="yes")},
        NOT_MODIFIED,
    ),
    (
        "editMessageReplyMarkup",
        {"chat_id": ANNA, "message_id": "$inline", "reply_markup": {"keyboard": [["x"]]}},
        "Bad Request: inline keyboard expected",
    ),
    ("deleteMessage", {"chat_id": ANNA, "message_id": 1}, "Bad Request: message to delete not found"),
    (
        "deleteMessage",
        {"chat_id": GROUP, "message_id": "$said_in_group"},
        "Bad Request: message can't be deleted",
    ),
    ("deleteMessages", {"chat_id": ANNA}, "Bad Request: message identifiers are not specified"),
    (
        "forwardMessage",
        {"chat_id": ANNA, "from_chat_id": ANNA, "message_id": 1},
        "Bad Request: message to forward not found",
    ),
    (
        "copyMessage",
        {"chat_id": ANNA, "from_chat_id": ANNA, "message_id": 1},
        "Bad Request: message to copy not found",
    ),
    ("copyMessage", {"chat_id": ANNA, "message_id": 1}, 'Bad Request: parameter "from_chat_id" is required'),
    ("pinChatMessage", {"chat_id": ANNA, "message_id": 1}, "Bad Request: message to pin not found"),
    (
        "pinChatMessage",
        {"chat_id": GROUP, "message_id": "$said_in_group"},
        "Bad Request: not enough rights to manage pinned messages in the chat",
    ),
    (
        "setMessageReaction",
        {"chat_id": ANNA, "message_id": "$said", "reaction": [{"type": "emoji", "emoji": "🥒"}]},
        "Bad Request: REACTION_INVALID",
    ),
    (
        "setMessageReaction",
        {"chat_id": ANNA, "message_id": 1, "reaction": []},
        "Bad Request: message to react not found",
    ),
]
FILES: list[Row] = [
    ("getFile", {}, "Bad Request: file_id not specified"),
    ("getFile", {"file_id": "nonsense"}, "Bad Request: invalid file_id"),
    ("getFile", {"file_id": "$big"}, "Bad Request: file is too big"),
    ("sendDocument", {"chat_id": ANNA}, "Bad Request: there is no document in the request"),
    ("sendVideoNote", {"chat_id": ANNA}, "Bad Request: there is no video note in the request"),
    (
        "sendDocument",
        {"chat_id": ANNA, "document": "nonsense"},
        "Bad Request: wrong file identifier/HTTP URL specified",
    ),
    ("sendPhoto", {"chat_id": ANNA, "photo": "$small"}, "Bad Request: can't use file of type Document as Photo"),
    (
        "sendPhoto",
        {"chat_id": ANNA, "photo": "https://example.invalid/a.jpg"},
        "Bad Request: failed to get HTTP URL content",
    ),
    (
        "sendDocument",
        {"chat_id": ANNA, "document": "$small", "caption": "x" * 1025},
        "Bad Request: message caption is too long",
    ),
    ("sendMediaGroup", {"chat_id": ANNA}, 'Bad Request: parameter "media" is required'),
    ("sendMediaGroup", {"chat_id": ANNA, "media": "{}"}, "Bad Request: expected an Array of InputMedia"),
    ("sendMediaGroup", {"chat_id": ANNA, "media": "[]"}, "Bad Request: there are no messages to send"),
    (
        "sendMediaGroup",
        {"chat_id": ANNA, "media": [{"type": "animation", "media": "x"}]},
        "Bad Request: can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
    ),
    (
        "sendMediaGroup",
        {"chat_id": ANNA, "media": [{"type": "document", "media": "nonsense"}]},
        f'{ALBUM}"Wrong file identifier/HTTP URL specified"',
    ),
    (
        "sendMediaGroup",
        {"chat_id": ANNA, "media": [{"type": "photo", "media": "http://x.y/z"}]},
        f'{ALBUM}"WEBPAGE_CURL_FAILED"',
    ),
]
OTHER: list[Row] = [
    ("getMoney", {}, "Not Found: method not found"),
    ("setWebhook", {"url": "ftp://x"}, "Bad Request: invalid webhook URL specified"),
    (
        "setWebhook",
        {"url": "http://127.0.0.1:1/", "secret_token": "a b"},
        "Bad Request: secret token contains unallowed characters",
    ),
    (
        "setWebhook",
        {"url": "http://127.0.0.1:1/", "secret_token": "a" * 257},
        "Bad Request: secret token is too long",
    ),
    ("setMyCommands", {"commands": "x"}, "Bad Request: can't parse commands JSON object"),
    ("setMyCommands", {"commands": {"a": 1}}, "Bad Request: expected an Array of BotCommand"),
    (
        "setMyCommands",
        {"commands": [{"command": "Старт", "description": "x"}]},
        "Bad Request: BOT_COMMAND_INVALID",
    ),
    (
        "setMyCommands",
        {"commands": [{"command": "a" * 33, "description": "x"}]},
        "Bad Request: command length must not exceed 32",
    ),
    (
        "setMyCommands",
        {"commands": [{"command": "a", "description": ""}]},
        "Bad Request: command description must be non-empty",
    ),
    (
        "setMyCommands",
        {"commands": [{"command": f"c{number}", "description": "x"} for number in range(101)]},
        "Bad Request: BOT_COMMANDS_TOO_MUCH",
    ),
    (
        "answerCallbackQuery",
        {"callback_query_id": "1"},
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    ),
    ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "Bad Request: MESSAGE_TOO_LONG"),
    ("sendMessageDraft", text("x", draft_id=0), "Bad Request: RANDOM_ID_INVALID"),
    (
        "sendMessageDraft",
        {"chat_id": GROUP, "draft_id": 1, "text": "x"},
        "Bad Request: TEXTDRAFT_PEER_INVALID",
    ),
    ("sendMessageDraft", text("я" * 4097, draft_id=1), "Bad Request: message is too long"),
    (
        "setChatMenuButton",
        {"menu_button": {"type": "magic"}},
        "Bad Request: can't parse menu button: MenuButton has unsupported type",
    ),
]
ROWS = [*TEXTS, *CHATS, *KEYBOARDS, *EDITS, *FILES, *OTHER]


def fill(value: Any, facts: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: fill(inner, facts) for name, inner in value.items()}
    return facts.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("method", "params", "words"), ROWS, ids=[f"{row[0]}-{row[2][-40:]}" for row in ROWS])
async def test_refusal_has_telegrams_words(
    bot: BotClient, facts: dict[str, Any], method: str, params: dict[str, Any], words: str
) -> None:
    assert await bot.refused(method, **fill(params, facts)) == words


async def test_unknown_token_is_unauthorized(bot: BotClient) -> None:
    answer = await bot.with_token("1:x").call("getMe")
    assert answer == {"ok": False, "error_code": 401, "description": "Unauthorized"}
