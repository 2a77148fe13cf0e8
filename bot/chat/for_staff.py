"""The staff group: only its members may do anything, and Telegram is asked who they are."""

from __future__ import annotations

from telegram import ChatMember, ChatMemberRestricted, Message, Update
from telegram.error import BadRequest, ChatMigrated, Forbidden
from telegram.ext import MessageHandler, filters

from bot.chat.house import App, Context, house_of
from bot.chat.translate import from_message
from bot.domain.message import Incoming
from bot.service import serve_staff

_IN = (ChatMember.OWNER, ChatMember.ADMINISTRATOR, ChatMember.MEMBER)


def register(application: App) -> None:
    """Add the handler for group messages; taps and memberships come through `for_patients`."""
    application.add_handler(MessageHandler(filters.ChatType.GROUPS & filters.UpdateType.MESSAGES, on_message))


async def on_message(update: Update, context: Context) -> None:
    """Handle a message in a group: a command, a reply, or the word that the group has moved."""
    message = update.effective_message
    if message is None:
        return
    house = house_of(context)
    incoming = from_message(update, message, context.bot.username)
    moved = _moved(message)
    if moved is not None:
        old, new = moved
        await house.tools.database.run(serve_staff.group_moved, house.tools, incoming, old, new, house.now())
        return
    if message.sender_chat is not None and message.sender_chat.id == message.chat.id:
        # An anonymous admin speaks as the group itself: Telegram lets only members do that.
        await house.tools.database.run(
            serve_staff.from_group, house.tools, incoming, house.now(), member=True
        )
        return
    user = message.from_user
    await handle(incoming, user.id if user and not user.is_bot else None, context)


async def handle(incoming: Incoming, user_id: int | None, context: Context) -> None:
    """Pass on what somebody did in a group, with Telegram's word on whether they belong to it."""
    house = house_of(context)
    wants_something = (
        incoming.command is not None or incoming.data is not None or incoming.replied_to is not None
    )
    member = bool(wants_something and user_id and await _is_member(incoming.chat_id, user_id, context))
    await house.tools.database.run(serve_staff.from_group, house.tools, incoming, house.now(), member=member)


async def on_membership(incoming: Incoming, context: Context, *, present: bool) -> None:
    """Greet a group the bot was added to; forget one it was removed from."""
    house = house_of(context)
    step = serve_staff.added_to_group if present else serve_staff.removed_from_group
    await house.tools.database.run(step, house.tools, incoming, house.now())


async def _is_member(chat_id: int, user_id: int, context: Context) -> bool:
    """Ask Telegram; an error other than "no such member" is raised, so that the update is tried again."""
    try:
        member = await context.bot.get_chat_member(chat_id, user_id)
    except ChatMigrated as moved:  # a tap under a message from before the group became a supergroup
        return await _is_member(moved.new_chat_id, user_id, context)
    except (BadRequest, Forbidden):
        return False
    return member.status in _IN or (isinstance(member, ChatMemberRestricted) and member.is_member)


def _moved(message: Message) -> tuple[int, int] | None:
    """Return the old and the new id if this says that the group became a supergroup."""
    if message.migrate_to_chat_id is not None:
        return message.chat.id, message.migrate_to_chat_id
    if message.migrate_from_chat_id is not None:
        return message.migrate_from_chat_id, message.chat.id
    return None
