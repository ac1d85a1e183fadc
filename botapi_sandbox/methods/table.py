"""All methods by name, with the names that the sandbox does not implement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botapi_sandbox.methods import (
    account,
    callbacks,
    chats,
    commands,
    copies,
    edits,
    media,
    messages,
    reactions,
    topics,
    updates,
)
from botapi_sandbox.refusals import ApiRefusalError

if TYPE_CHECKING:
    from botapi_sandbox.services import Handler, MethodCall


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API under the name its page gives it."""

    name: str
    handler: Handler


_MAX_NAME = 64
# All methods of Bot API 10.3 (core.telegram.org/bots/api): no Bot API has any other.
_ALL = """
addStickerToSet answerCallbackQuery answerChatJoinRequestQuery answerGuestQuery answerInlineQuery
answerPreCheckoutQuery answerShippingQuery answerWebAppQuery approveChatJoinRequest approveSuggestedPost
banChatMember banChatSenderChat close closeForumTopic closeGeneralForumTopic convertGiftToStars copyMessage
copyMessages createChatInviteLink createChatSubscriptionInviteLink createForumTopic createInvoiceLink
createNewStickerSet declineChatJoinRequest declineSuggestedPost deleteAllMessageReactions deleteBusinessMessages
deleteChatPhoto deleteChatStickerSet deleteEphemeralMessage deleteForumTopic deleteMessage deleteMessageReaction
deleteMessages deleteMyCommands deleteStickerFromSet deleteStickerSet deleteStory deleteWebhook editChatInviteLink
editChatSubscriptionInviteLink editEphemeralMessageCaption editEphemeralMessageMedia editEphemeralMessageReplyMarkup
editEphemeralMessageText editForumTopic editGeneralForumTopic editMessageCaption editMessageChecklist
editMessageLiveLocation editMessageMedia editMessageReplyMarkup editMessageText editStory editUserStarSubscription
exportChatInviteLink forwardMessage forwardMessages getAvailableGifts getBusinessAccountGifts
getBusinessAccountStarBalance getBusinessConnection getChat getChatAdministrators getChatGifts getChatMember
getChatMemberCount getChatMenuButton getCustomEmojiStickers getFile getForumTopicIconStickers getGameHighScores
getManagedBotAccessSettings getManagedBotToken getMe getMyCommands getMyDefaultAdministratorRights getMyDescription
getMyName getMyShortDescription getMyStarBalance getStarTransactions getStickerSet getUpdates getUserChatBoosts
getUserGifts getUserPersonalChatMessages getUserProfileAudios getUserProfilePhotos getWebhookInfo
giftPremiumSubscription hideGeneralForumTopic leaveChat logOut pinChatMessage postStory promoteChatMember
readBusinessMessage refundStarPayment removeBusinessAccountProfilePhoto removeChatVerification removeMyProfilePhoto
removeUserVerification reopenForumTopic reopenGeneralForumTopic replaceManagedBotToken replaceStickerInSet
repostStory restrictChatMember revokeChatInviteLink savePreparedInlineMessage savePreparedKeyboardButton
sendAnimation sendAudio sendChatAction sendChatJoinRequestWebApp sendChecklist sendContact sendDice sendDocument
sendGame sendGift sendInvoice sendLivePhoto sendLocation sendMediaGroup sendMessage sendMessageDraft sendPaidMedia
sendPhoto sendPoll sendRichMessage sendRichMessageDraft sendSticker sendVenue sendVideo sendVideoNote sendVoice
setBusinessAccountBio setBusinessAccountGiftSettings setBusinessAccountName setBusinessAccountProfilePhoto
setBusinessAccountUsername setChatAdministratorCustomTitle setChatDescription setChatMemberTag setChatMenuButton
setChatPermissions setChatPhoto setChatStickerSet setChatTitle setCustomEmojiStickerSetThumbnail setGameScore
setManagedBotAccessSettings setMessageReaction setMyCommands setMyDefaultAdministratorRights setMyDescription
setMyName setMyProfilePhoto setMyShortDescription setPassportDataErrors setStickerEmojiList setStickerKeywords
setStickerMaskPosition setStickerPositionInSet setStickerSetThumbnail setStickerSetTitle setUserEmojiStatus
setWebhook stopMessageLiveLocation stopPoll transferBusinessAccountStars transferGift unbanChatMember
unbanChatSenderChat unhideGeneralForumTopic unpinAllChatMessages unpinAllForumTopicMessages
unpinAllGeneralForumTopicMessages unpinChatMessage upgradeGift uploadStickerFile verifyChat verifyUser
"""
ALL_NAMES = frozenset(_ALL.split())
_TOPICS: tuple[dict[str, Handler], ...] = (
    account.METHODS,
    updates.METHODS,
    messages.METHODS,
    media.METHODS,
    edits.METHODS,
    callbacks.METHODS,
    commands.METHODS,
    chats.METHODS,
    copies.METHODS,
    reactions.METHODS,
    topics.METHODS,
)

# Looked up in lower case: method names are case-insensitive (#making-requests).
METHODS: dict[str, Method] = {
    name.lower(): Method(name, handler) for topic in _TOPICS for name, handler in topic.items()
}
_NAMES = {name.lower(): name for name in ALL_NAMES}


def find_method(name: str) -> Method:
    """The method with this name in any case.

    One that the sandbox does not know yet answers 501, one that no Bot API has 404: a call of either is logged.
    """
    known = METHODS.get(name.lower())
    if known is not None:
        return known
    title = _NAMES.get(name.lower())
    if title is None:
        return Method(name[:_MAX_NAME], partial(_refuse, code=404, description="Not Found: method not found"))
    words = f"Not Implemented: the sandbox does not know {title} yet (docs/sandbox.md)"
    return Method(title, partial(_refuse, code=501, description=words))


async def _refuse(call: MethodCall, *, code: int, description: str) -> None:
    raise ApiRefusalError(code, description)
