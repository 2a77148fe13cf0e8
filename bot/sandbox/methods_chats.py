"""Methods about chats and the people in them, and about files."""

from typing import Any

from bot.sandbox.call import Call
from bot.sandbox.compose import find_chat, open_chat
from bot.sandbox.files import LARGEST_DOWNLOAD, reference
from bot.sandbox.groups import set_bot_status
from bot.sandbox.model import JSON, MEMBERS
from bot.sandbox.refusal import bad_request
from bot.sandbox.wire import chat_json, member_json, message_json
from bot.sandbox.world import World


def get_chat(world: World, call: Call) -> JSON:
    """Tell all about a chat."""
    chat = find_chat(world, call)
    if chat.person is not None and not (chat.person.started or chat.person.blocked):
        raise bad_request("chat not found")
    body = {
        **chat_json(chat),
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }
    if chat.is_group:
        body["permissions"] = {"can_send_messages": True}
    pinned = [message for message in chat.messages if message.pinned]
    if pinned:
        body["pinned_message"] = message_json(pinned[-1], nested=False)
    return body


def get_member(world: World, call: Call) -> JSON:
    """Tell what somebody is in a group."""
    chat, number = open_chat(world, call), call.integer("user_id")
    if number == world.bot.id:
        return member_json(world.bot, chat.bot_status)
    person = world.people.get(number)
    if person is None:
        raise bad_request("member not found")
    if chat.person is not None:
        return member_json(person, "member")
    return member_json(person, chat.members.get(number, "left"))


def get_administrators(world: World, call: Call) -> list[JSON]:
    """List a group's owner and administrators; as in Telegram, other bots are left out."""
    chat = open_chat(world, call)
    found = [
        member_json(world.people[number], status)
        for number, status in chat.members.items()
        if status in ("creator", "administrator")
    ]
    if chat.bot_status == "administrator":
        found.append(member_json(world.bot, chat.bot_status))
    return found


def get_member_count(world: World, call: Call) -> int:
    """Count the members, the bot included."""
    chat = open_chat(world, call)
    return len([s for s in chat.members.values() if s in MEMBERS]) + (chat.bot_status in MEMBERS)


def leave_chat(world: World, call: Call) -> bool:
    """Let the bot leave a group."""
    chat = open_chat(world, call)
    set_bot_status(world, chat, "left", by=world.bot)
    return True


def get_file(world: World, call: Call) -> JSON:
    """Tell where a file can be fetched."""
    file = world.files.by_id(call.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.content) > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {**reference(file), "file_path": file.path}


METHODS: dict[str, Any] = {
    "getChat": get_chat,
    "getChatMember": get_member,
    "getChatAdministrators": get_administrators,
    "getChatMemberCount": get_member_count,
    "leaveChat": leave_chat,
    "getFile": get_file,
}
