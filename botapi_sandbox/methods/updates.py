"""Methods by which a bot gets its updates: polling and webhooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.services import Described
from botapi_sandbox.update_queue import MAX_LONG_POLL_SECONDS
from botapi_sandbox.webhook import WebhookDelivery, WebhookTarget, WebhookTiming

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

_SECRET = re.compile(r"[A-Za-z0-9_-]*")


async def get_updates(call: MethodCall) -> list[Json]:
    """#getupdates"""
    params, queue = call.params, call.bot.queue
    limit = min(max(params.integer("limit", 100), 1), 100)
    timeout = min(max(params.integer("timeout"), 0), MAX_LONG_POLL_SECONDS)
    if not queue.webhook_is_set:
        queue.set_allowed(_read_allowed(call))
    return await queue.poll(params.integer("offset"), limit, timeout)


def _read_allowed(call: MethodCall) -> object:
    try:
        return call.params.decode_json("allowed_updates", "allowed updates")
    except ApiRefusalError:
        return None  # Telegram's server overlooks a list it cannot read


async def set_webhook(call: MethodCall) -> Described:
    """#setwebhook; like a local Bot API server it takes plain http and any port."""
    params, bot, settings = call.params, call.bot, call.services.settings
    url = params.text("url").strip()
    if not url:
        return await delete_webhook(call)
    target = WebhookTarget(
        url=_check_url(url),
        secret_token=_check_secret(params.text("secret_token")),
        max_connections=min(max(params.integer("max_connections", 40), 1), 100),
        ip_address=params.text("ip_address"),
    )
    drops = params.boolean("drop_pending_updates")
    current = call.services.webhooks.get(bot)
    if current is not None and current.target == target and not drops:
        bot.queue.set_allowed(_read_allowed(call))
        return Described("Webhook is already set")
    await _stop_delivery(call)
    if drops:
        bot.queue.clear()
    bot.queue.set_allowed(_read_allowed(call))
    bot.queue.start_webhook()
    timing = WebhookTiming(settings.webhook_timeout_seconds, settings.webhook_retry_seconds)
    call.services.webhooks[bot] = WebhookDelivery(target, bot.queue, timing, call.services.make_webhook_replies(bot))
    return Described("Webhook was set")


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0:
            return parts.geturl()
    except ValueError:
        pass
    raise bad_request("invalid webhook URL specified")


def _check_secret(secret: str) -> str:
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    return secret


async def delete_webhook(call: MethodCall) -> Described:
    """#deletewebhook"""
    was_set = call.bot in call.services.webhooks
    await _stop_delivery(call)
    if call.params.boolean("drop_pending_updates"):
        call.bot.queue.clear()
    return Described("Webhook was deleted" if was_set else "Webhook is already deleted")


async def _stop_delivery(call: MethodCall) -> None:
    webhook = call.services.webhooks.pop(call.bot, None)
    call.bot.queue.stop_webhook()
    if webhook is not None:
        await webhook.close()


async def get_webhook_info(call: MethodCall) -> Json:
    """#getwebhookinfo"""
    queue, webhook = call.bot.queue, call.services.webhooks.get(call.bot)
    info: Json = {"url": "", "has_custom_certificate": False, "pending_update_count": queue.count()}
    if queue.allowed is not None:
        info["allowed_updates"] = queue.allowed
    if webhook is None:
        return info
    target = webhook.target
    info.update(url=target.url, max_connections=target.max_connections, ip_address=target.ip_address or "127.0.0.1")
    if webhook.last_error is not None:
        info["last_error_date"], info["last_error_message"] = webhook.last_error
    return info


METHODS: dict[str, Handler] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
