"""People, chats and messages in Telegram's JSON."""

from datetime import datetime

from bot.sandbox.model import JSON, Chat, Message, Person, Press

RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
)


def stamp(moment: datetime) -> int:
    """Return a moment as Telegram counts it: whole seconds since 1970."""
    return int(moment.timestamp())


def user_json(person: Person) -> JSON:
    """Return a User."""
    body: JSON = {"id": person.id, "is_bot": person.is_bot, "first_name": person.first_name}
    for key in ("last_name", "username", "language_code"):
        if getattr(person, key):
            body[key] = getattr(person, key)
    return body


def chat_json(chat: Chat) -> JSON:
    """Return a Chat."""
    if chat.person is None:
        body: JSON = {"id": chat.id, "title": chat.title, "type": chat.kind}
        return {**body, "username": chat.username} if chat.username else body
    body = {"id": chat.id, "first_name": chat.person.first_name, "type": "private"}
    for key in ("last_name", "username"):
        if getattr(chat.person, key):
            body[key] = getattr(chat.person, key)
    return body


def message_json(message: Message, *, nested: bool = True) -> JSON:
    """Return a Message; what it replies to is shown one level deep."""
    body: JSON = {
        "message_id": message.id,
        "chat": chat_json(message.chat),
        "date": stamp(message.date),
        **message.content,
    }
    if message.sender is None or message.chat.kind == "channel":
        body["sender_chat"] = chat_json(message.chat)
    else:
        body["from"] = user_json(message.sender)
    if message.edited_at is not None:
        body["edit_date"] = stamp(message.edited_at)
    if nested and message.reply_to is not None:
        body["reply_to_message"] = message_json(message.reply_to, nested=False)
    if "inline_keyboard" in (message.markup or {}):
        body["reply_markup"] = message.markup
    return body


def press_json(press: Press) -> JSON:
    """Return a CallbackQuery with the whole message; a deleted one is "inaccessible"."""
    message = press.message
    shown = message_json(message)
    if message.deleted:
        shown = {"chat": chat_json(message.chat), "message_id": message.id, "date": 0}
    return {
        "id": press.id,
        "from": user_json(press.person),
        "message": shown,
        "chat_instance": str(abs(message.chat.id) * 7919),
        "data": press.data,
    }


def member_json(person: Person, status: str) -> JSON:
    """Return a ChatMember in the given state."""
    body: JSON = {"user": user_json(person), "status": status}
    if status == "creator":
        body["is_anonymous"] = False
    elif status == "administrator":
        body |= {right: right not in ("is_anonymous", "can_promote_members") for right in RIGHTS}
    elif status == "kicked":
        body["until_date"] = 0
    return body


def bot_membership_json(
    *, chat: Chat, by: Person, bot: Person, before: str, after: str, at: datetime
) -> JSON:
    """Return a ChatMemberUpdated about the bot."""
    return {
        "chat": chat_json(chat),
        "from": user_json(by),
        "date": stamp(at),
        "old_chat_member": member_json(bot, before),
        "new_chat_member": member_json(bot, after),
    }
