"""What a message of the bot is made of: text, keyboard, reply, and whether the chat takes it."""

import re
from typing import Any

from bot.sandbox.call import Call
from bot.sandbox.markup import parse_html, trim, utf16, with_found
from bot.sandbox.model import JSON, MEMBERS, Chat, Message
from bot.sandbox.refusal import Refusal, bad_request, forbidden, too_many_requests
from bot.sandbox.world import World

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_BUTTON_DATA = 64
_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)


def find_chat(world: World, call: Call, name: str = "chat_id") -> Chat:
    """Return the chat of a call, whether or not the bot may write there."""
    wanted = call.params.get(name)
    if wanted in (None, ""):
        raise bad_request(f"{name} is empty")
    if isinstance(wanted, str) and wanted.startswith("@"):
        named = [c for c in world.chats.values() if c.username and c.username.lower() == wanted[1:].lower()]
        chat = named[0] if named else None
    else:
        chat = world.chats.get(call.integer(name))
    if chat is None:
        raise bad_request("chat not found")
    return chat


def open_chat(world: World, call: Call, name: str = "chat_id") -> Chat:
    """Return the chat of a call, or refuse as Telegram does when the bot may not write there."""
    chat = find_chat(world, call, name)
    if chat.migrated_to is not None:
        raise Refusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to,
        )
    person = chat.person
    if person is not None:
        if person.deactivated:
            raise forbidden("user is deactivated")
        if person.blocked:
            raise forbidden("bot was blocked by the user")
        if not person.started:
            raise forbidden("bot can't initiate conversation with a user")
    elif chat.bot_status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    elif chat.bot_status not in MEMBERS:
        raise forbidden(f"bot is not a member of the {chat.kind} chat")
    return chat


def pace(world: World, chat: Chat) -> None:
    """Refuse with 429 when the bot writes too fast and limits are on."""
    pause = world.limits.pause(chat.id, group=chat.is_group) if world.limits else 0
    if pause:
        raise too_many_requests(pause)


def read_text(call: Call, name: str = "text", entities_name: str = "entities") -> tuple[str, list[JSON]]:
    """Return text and entities from HTML, from given entities, or plain."""
    source, mode = call.text(name), call.text("parse_mode").lower()
    entities: list[JSON] = []
    if mode == "html":
        text, entities = parse_html(source)
    elif mode in ("markdown", "markdownv2"):
        raise bad_request(f"{call.text('parse_mode')} is unsupported in the sandbox")
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        text, entities = source, list(call.sequence(entities_name) or [])
    text, entities = trim(text, entities)
    return text, with_found(text, entities)


def text_content(call: Call) -> JSON:
    """Return the content of a text message."""
    text, entities = read_text(call)
    if not text:
        raise bad_request("message text is empty")
    if utf16(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption_content(call: Call) -> JSON:
    """Return the caption of a picture or document; empty without one."""
    text, entities = read_text(call, "caption", "caption_entities")
    if utf16(text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    content: JSON = {"caption": text} if text else {}
    return {**content, "caption_entities": entities} if entities else content


def read_markup(call: Call) -> JSON | None:
    """Return the keyboard of a call, checked."""
    markup = call.mapping("reply_markup")
    if not markup:
        return None
    if "inline_keyboard" not in markup:
        return markup
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("inline keyboard must be an Array of Arrays")
    for row in rows:
        for button in row:
            _check_button(button)
    rows = [row for row in rows if row]
    return {"inline_keyboard": rows} if rows else None


def _check_button(button: Any) -> None:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not any(action in button for action in _ACTIONS):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button:
        data = button["callback_data"]
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= LONGEST_BUTTON_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(
        r"(https?://)?[^\s/]+\.[^\s]+$|https?://[^\s]+$|tg://", str(button["url"])
    ):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def read_reply(call: Call, chat: Chat) -> Message | None:
    """Return the message that is replied to."""
    reply = call.mapping("reply_parameters") or {}
    number = reply.get("message_id") or call.integer("reply_to_message_id")
    if not number:
        return None
    found = chat.message(int(number))
    lenient = reply.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply")
    if found is None and not lenient:
        raise bad_request("message to be replied not found")
    return found
