"""Methods about the bot itself and the way updates reach it."""

import re
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.call import Call
from bot.sandbox.compose import open_chat
from bot.sandbox.model import JSON
from bot.sandbox.refusal import Refusal, bad_request
from bot.sandbox.webhook import Webhook
from bot.sandbox.wire import stamp, user_json
from bot.sandbox.world import World

LONGEST_POLL = 50
LOCAL = ("localhost", "127.0.0.1", "::1")
_TEXTS = {
    "Name": ("name", 64),
    "Description": ("description", 512),
    "ShortDescription": ("short_description", 120),
}


def get_me(world: World, call: Call) -> JSON:
    """Tell who the bot is."""
    return {
        **user_json(world.bot),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_updates(world: World, call: Call) -> Awaitable[list[JSON]]:
    """Wait for updates."""
    if world.webhook is not None:
        raise Refusal(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    _allow(world, call)
    limit = min(max(call.integer("limit", 100), 1), 100)
    seconds = min(max(call.integer("timeout"), 0), LONGEST_POLL)
    return world.updates.poll(call.integer("offset"), limit, seconds)


def set_webhook(world: World, call: Call) -> bool:
    """Carry updates to an address; the sandbox carries to this machine only."""
    url, secret = call.text("url"), call.text("secret_token")
    if not url:
        return delete_webhook(world, call)
    if urlsplit(url).hostname not in LOCAL:
        raise bad_request("bad webhook: the sandbox carries updates to localhost only")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    _allow(world, call)
    if call.flag("drop_pending_updates"):
        world.updates.clear()
    connections = min(max(call.integer("max_connections", 40), 1), 100)
    world.webhook = Webhook(url=url, secret_token=secret or None, max_connections=connections)
    world.updates.stop_polls()
    return True


def delete_webhook(world: World, call: Call) -> bool:
    """Stop carrying; updates wait to be fetched."""
    world.webhook = None
    if call.flag("drop_pending_updates"):
        world.updates.clear()
    return True


def get_webhook_info(world: World, call: Call) -> JSON:
    """Tell where updates go and what went wrong last."""
    webhook, waiting = world.webhook, len(world.updates.waiting())
    if webhook is None:
        return {"url": "", "has_custom_certificate": False, "pending_update_count": waiting}
    body: JSON = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": waiting,
        "max_connections": webhook.max_connections,
        "ip_address": "127.0.0.1",
    }
    if world.updates.allowed:
        body["allowed_updates"] = sorted(world.updates.allowed)
    if webhook.last_error_at is not None:
        body["last_error_date"] = stamp(webhook.last_error_at)
        body["last_error_message"] = webhook.last_error
    return body


def set_my_commands(world: World, call: Call) -> bool:
    """Keep the commands of the "/" menu."""
    commands = call.sequence("commands") or []
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.profile.set_commands(call.mapping("scope"), call.text("language_code"), commands)
    world.changed.beat()
    return True


def get_my_commands(world: World, call: Call) -> list[JSON]:
    """List the commands of one scope and language."""
    return world.profile.commands_of(call.mapping("scope"), call.text("language_code"))


def delete_my_commands(world: World, call: Call) -> bool:
    """Remove the commands of one scope and language."""
    world.profile.set_commands(call.mapping("scope"), call.text("language_code"), [])
    world.changed.beat()
    return True


def set_menu_button(world: World, call: Call) -> bool:
    """Choose what the button beside the message box does."""
    button = call.mapping("menu_button") or {"type": "default"}
    if call.integer("chat_id"):
        open_chat(world, call).menu_button = button
    else:
        world.profile.menu_button = button
    return True


def get_menu_button(world: World, call: Call) -> JSON:
    """Tell what the button beside the message box does."""
    own = open_chat(world, call).menu_button if call.integer("chat_id") else None
    return own or world.profile.menu_button


def stop(world: World, call: Call) -> bool:
    """Accept logOut and close, which mean nothing here."""
    return True


def _allow(world: World, call: Call) -> None:
    allowed = call.sequence("allowed_updates")
    if allowed is not None:
        world.updates.allowed = frozenset(str(kind) for kind in allowed)


def _setter(what: str) -> Any:
    field, longest = _TEXTS[what]

    def set_text(world: World, call: Call) -> bool:
        text = call.text(field)
        if len(text) > longest:
            raise bad_request(f"{what.upper()}_TOO_LONG")
        world.profile.texts[what, call.text("language_code")] = text
        if what == "Name" and text and not call.text("language_code"):
            world.bot.first_name = text
        world.changed.beat()
        return True

    return set_text


def _getter(what: str) -> Any:
    field, _ = _TEXTS[what]

    def get_text(world: World, call: Call) -> JSON:
        texts = world.profile.texts
        fallback = world.bot.first_name if what == "Name" else ""
        return {field: texts.get((what, call.text("language_code"))) or texts.get((what, "")) or fallback}

    return get_text


METHODS: dict[str, Any] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_menu_button,
    "getChatMenuButton": get_menu_button,
    "logOut": stop,
    "close": stop,
    **{f"setMy{what}": _setter(what) for what in _TEXTS},
    **{f"getMy{what}": _getter(what) for what in _TEXTS},
}
