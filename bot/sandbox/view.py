"""What the page shows, as JSON: people, chats, messages, the clock."""

from time import monotonic
from typing import Any

from bot.sandbox.model import JSON, MEMBERS, Chat, File, Message, Person
from bot.sandbox.sandbox import Sandbox

NEWEST = 300
"""The messages shown of each chat."""


def state_json(sandbox: Sandbox) -> JSON:
    """Return everything the page shows."""
    world = sandbox.world
    return {
        "event": world.changed.count,
        "now": world.clock.now().isoformat(),
        "frozen": bool(getattr(world.clock, "frozen", False)),
        "bot": {"id": world.bot.id, "name": world.bot.name, "username": world.bot.username},
        "description": world.profile.texts.get(("Description", ""), ""),
        "waiting": len(world.updates.waiting()),
        "people": [person_json(person) for person in world.people.values()],
        "chats": [_chat_json(sandbox, chat) for chat in world.chats.values() if chat.migrated_to is None],
    }


def person_json(person: Person) -> JSON:
    """Return one person."""
    return {
        "id": person.id,
        "name": person.name,
        "first_name": person.first_name,
        "username": person.username,
        "language_code": person.language_code,
        "phone": person.phone,
        "started": person.started,
        "blocked": person.blocked,
        "deactivated": person.deactivated,
    }


def message_json(message: Message) -> JSON:
    """Return one message as it is shown."""
    content = message.content
    body: JSON = {
        "id": message.id,
        "chat": message.chat.id,
        "sender": {"id": message.sender.id, "name": message.sender.name} if message.sender else None,
        "by_bot": message.by_bot,
        "date": message.date.isoformat(),
        "text": message.text,
        "entities": message.entities,
        "edited": message.edited_at is not None,
        "pinned": message.pinned,
        "reactions": message.reactions,
        "buttons": message.rows,
        "service": _service(message),
    }
    if message.reply_to is not None:
        source = message.reply_to
        quoted = {"id": source.id, "name": source.sender.name if source.sender else "", "text": _gist(source)}
        body["reply_to"] = quoted
    if "forward_origin" in content:
        origin = content["forward_origin"]
        body["forwarded"] = origin.get("sender_user_name") or origin.get("sender_user", {}).get(
            "first_name", ""
        )
    body |= {
        key: _part(content[key], message.file)
        for key in ("photo", "document", "voice", "video")
        if key in content
    }
    body |= {key: content[key] for key in ("location", "contact", "poll") if key in content}
    if "sticker" in content:
        body["sticker"] = content["sticker"].get("emoji", "")
    return body


def _chat_json(sandbox: Sandbox, chat: Chat) -> JSON:
    world = sandbox.world
    earlier = world.chats[chat.migrated_from].messages if chat.migrated_from is not None else []
    return {
        "id": chat.id,
        "type": chat.kind,
        "title": chat.name,
        "bot": chat.bot_status,
        "members": [
            {"id": number, "name": world.people[number].name, "status": status}
            for number, status in chat.members.items()
            if status in MEMBERS
        ],
        "typing_ms": max(0, round((chat.typing_until - monotonic()) * 1000)),
        "keyboard": chat.keyboard,
        "commands": _commands(sandbox, chat),
        "messages": [message_json(message) for message in [*earlier, *chat.messages][-NEWEST:]],
    }


def _commands(sandbox: Sandbox, chat: Chat) -> list[JSON]:
    """Return the "/" menu; in a group, the one its owner sees."""
    viewer = chat.person
    if viewer is None:
        owners = [number for number, status in chat.members.items() if status == "creator"]
        viewer = sandbox.world.people[owners[0]] if owners else None
    number, language = (viewer.id, viewer.language_code or "") if viewer else (0, "")
    return sandbox.world.profile.commands_for(
        chat.id, number, language, kind=chat.kind, admin=viewer is not None
    )


def _part(part: Any, file: File | None) -> JSON:
    details = part[-1] if isinstance(part, list) else part
    url = f"/sandbox/files/{file.path}" if file else ""
    kept = ("width", "height", "duration", "file_name", "mime_type", "file_size")
    return {"url": url, **{key: details[key] for key in kept if key in details}}


def _gist(message: Message) -> str:
    if message.text:
        return message.text[:120]
    kinds = ("photo", "document", "voice", "video", "sticker", "location", "contact", "poll")
    return next((kind.capitalize() for kind in kinds if kind in message.content), "Message")


def _service(message: Message) -> str | None:
    """Return the line shown for a notice, None for a real message."""
    content = message.content
    who = message.sender.name if message.sender else "Somebody"
    if "new_chat_members" in content:
        names = ", ".join(user["first_name"] for user in content["new_chat_members"])
        return f"{who} joined" if names == who else f"{who} added {names}"
    if "left_chat_member" in content:
        name = content["left_chat_member"]["first_name"]
        return f"{who} left" if name == who else f"{who} removed {name}"
    if "migrate_to_chat_id" in content:
        return "The group became a supergroup; its number changed"
    return "Here the supergroup begins" if "migrate_from_chat_id" in content else None
