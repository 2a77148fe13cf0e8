"""Private chats: what a patient or a stranger sends goes to `receive`, one transaction an update."""

from __future__ import annotations

from telegram import ChatMember, Update
from telegram.error import TelegramError
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, MessageHandler, filters

from bot.chat import for_staff
from bot.chat.house import App, Context, house_of
from bot.chat.translate import from_member_change, from_message, from_tap, is_group
from bot.service import receive


def register(application: App) -> None:
    """Add the handlers for private chats, and those that both kinds of chat share."""
    application.add_handler(
        MessageHandler(filters.ChatType.PRIVATE & filters.UpdateType.MESSAGES, on_message)
    )
    application.add_handler(CallbackQueryHandler(on_tap))
    application.add_handler(ChatMemberHandler(on_membership, ChatMemberHandler.MY_CHAT_MEMBER))


async def on_message(update: Update, context: Context) -> None:
    """Handle a message, or an edited one."""
    message = update.effective_message
    if message is None or message.from_user is None:
        return
    house = house_of(context)
    incoming = from_message(update, message, context.bot.username)
    await house.tools.database.run(receive.from_person, house.tools, incoming, house.now())


async def on_tap(update: Update, context: Context) -> None:
    """Handle a tapped button, in a private chat or in the staff group; its spinner stops at once."""
    query = update.callback_query
    if query is None:
        return
    context.application.create_task(_stop_spinner(query.id, context))
    incoming = from_tap(update, query)
    if incoming is None or query.message is None:
        return
    if is_group(query.message.chat.type):
        await for_staff.handle(incoming, query.from_user.id, context)
        return
    house = house_of(context)
    await house.tools.database.run(receive.from_person, house.tools, incoming, house.now())


async def on_membership(update: Update, context: Context) -> None:
    """Handle that a person blocked or unblocked the bot, or that it was added to a group or removed."""
    change, incoming = update.my_chat_member, from_member_change(update)
    if change is None or incoming is None:
        return
    present = change.new_chat_member.status not in (ChatMember.BANNED, ChatMember.LEFT)
    if is_group(change.chat.type):
        await for_staff.on_membership(incoming, context, present=present)
    elif change.chat.type == "private":
        house = house_of(context)
        await house.tools.database.run(
            receive.left_or_returned, house.tools, incoming, house.now(), left=not present
        )


async def _stop_spinner(query_id: str, context: Context) -> None:
    """Answer a tap; one that is too old to be answered is no matter, and a stop need not wait long for it."""
    try:
        await context.bot.answer_callback_query(query_id, connect_timeout=3, read_timeout=3)
    except TelegramError:
        return
