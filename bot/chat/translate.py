"""From Telegram's update to ours: an `Incoming` value, whatever the update looks like."""

from __future__ import annotations

from telegram import CallbackQuery, Message, MessageEntity, Update, User
from telegram.constants import ChatType

from bot.domain.message import Incoming, Media, Sender

#: The kinds of media, in the order in which they are looked for.
_KINDS = (
    "sticker",
    "voice",
    "video_note",
    "audio",
    "animation",
    "video",
    "document",
    "venue",
    "location",
    "contact",
    "poll",
    "dice",
    "story",
    "paid_media",
    "game",
    "checklist",
)


def from_message(update: Update, message: Message, bot_name: str) -> Incoming:
    """Return a message, new or edited, as ours; a command for another bot is plain words."""
    text = message.text or message.caption or ""
    command, arguments = _command(message, bot_name)
    answered = message.reply_to_message
    return Incoming(
        update_id=update.update_id,
        chat_id=message.chat.id,
        sender=_sender(message.from_user, message),
        message_id=message.message_id,
        text=text,
        command=command,
        arguments=arguments,
        media=_media(message),
        replied_to=answered.message_id if answered else None,
        replied_text=_words(answered),
        answers_bot=_is_from(answered, bot_name),
        edited=update.edited_message is not None,
        sent_at=message.edit_date if update.edited_message is not None else message.date,
        title=message.chat.title,
    )


def from_tap(update: Update, query: CallbackQuery) -> Incoming | None:
    """Return a tap as ours, or None if the message under it is not in a chat we can see."""
    message = query.message
    if message is None or query.data is None:
        return None
    answered = message.reply_to_message if isinstance(message, Message) else None
    media = answered is not None and _media(answered) is not None
    return Incoming(
        update_id=update.update_id,
        chat_id=message.chat.id,
        sender=_sender(query.from_user, None),
        message_id=message.message_id,
        data=query.data,
        replied_to=answered.message_id if answered else None,
        replied_text=_words(answered),
        title=message.chat.title,
        extra={"replied_media_id": answered.message_id} if answered is not None and media else {},
    )


def from_member_change(update: Update) -> Incoming | None:
    """Return a change of the bot's own membership as ours."""
    change = update.my_chat_member
    if change is None:
        return None
    return Incoming(
        update_id=update.update_id,
        chat_id=change.chat.id,
        sender=_sender(change.from_user, None),
        title=change.chat.title,
    )


def is_group(chat_type: str) -> bool:
    """Tell whether a chat is a group of either kind."""
    return chat_type in (ChatType.GROUP, ChatType.SUPERGROUP)


def _sender(user: User | None, message: Message | None) -> Sender:
    """Return who sent it; an anonymous admin or a channel has no user behind it."""
    if user is not None and not (message is not None and message.sender_chat is not None):
        return Sender(id=user.id, name=user.full_name, language=user.language_code)
    chat = message.sender_chat if message is not None else None
    name = (chat.title or chat.full_name or "") if chat is not None else ""
    return Sender(id=chat.id if chat is not None else 0, name=name or "?", language=None)


def _command(message: Message, bot_name: str) -> tuple[str | None, str]:
    """Return a command at the very start of a message and what stands behind it."""
    entities = message.entities or ()
    first = next((entity for entity in entities if entity.offset == 0), None)
    if first is None or first.type != MessageEntity.BOT_COMMAND or not message.text:
        return None, ""
    word = message.parse_entity(first)
    name, _at, target = word[1:].partition("@")
    if target and target.lower() != bot_name.lower():
        return None, ""
    return name.lower(), message.text[len(word) :].strip()


def _media(message: Message) -> Media | None:
    if message.photo:
        return Media(kind="photo", file_id=message.photo[-1].file_id)
    for kind in _KINDS:
        found = getattr(message, kind, None)
        if found is not None:
            return Media(kind=kind, file_id=getattr(found, "file_id", None))
    return None


def _is_from(message: Message | None, bot_name: str) -> bool:
    """Tell whether the bot wrote a message."""
    author = message.from_user if message is not None else None
    return author is not None and author.is_bot and (author.username or "").lower() == bot_name.lower()


def _words(message: object) -> str:
    if not isinstance(message, Message):
        return ""
    return message.text or message.caption or ""
