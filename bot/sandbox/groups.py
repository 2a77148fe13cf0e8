"""What happens to groups: people and the bot come and go, a group becomes a supergroup."""

from bot.sandbox.model import MEMBERS, Chat, Message, Person
from bot.sandbox.wire import bot_membership_json, user_json
from bot.sandbox.world import World


def set_bot_status(world: World, chat: Chat, status: str, by: Person) -> None:
    """Let the bot join, be promoted, leave or be removed; it is told by my_chat_member."""
    before, chat.bot_status = chat.bot_status, status
    if before == status:
        return
    body = bot_membership_json(
        chat=chat, by=by, bot=world.bot, before=before, after=status, at=world.clock.now()
    )
    world.updates.put("my_chat_member", body, chat.id)
    joined = status in MEMBERS and before not in MEMBERS
    gone = before in MEMBERS and status not in MEMBERS
    if chat.is_group and joined:
        users = [user_json(world.bot)]
        content = {"new_chat_members": users, "new_chat_member": users[0], "new_chat_participant": users[0]}
        world.tell_bot(world.add_message(chat, by, content))
    elif chat.is_group and gone:
        world.add_message(chat, by, {"left_chat_member": user_json(world.bot)})
    world.changed.beat()


def add_member(world: World, chat: Chat, person: Person, status: str, by: Person | None) -> Message:
    """Put somebody into a group and say so in it."""
    chat.members[person.id] = status
    message = world.add_message(chat, by or person, {"new_chat_members": [user_json(person)]})
    world.tell_bot(message)
    return message


def remove_member(world: World, chat: Chat, person: Person, by: Person | None) -> Message:
    """Take somebody out of a group (without *by* they leave themselves)."""
    chat.members[person.id] = "kicked" if by else "left"
    message = world.add_message(chat, by or person, {"left_chat_member": user_json(person)})
    world.tell_bot(message)
    return message


def migrate(world: World, chat: Chat) -> Chat:
    """Turn a group into a supergroup, with a new id; the old one only says where it went."""
    if chat.kind != "group" or chat.migrated_to is not None:
        raise ValueError(f"{chat.name} is no group that can become a supergroup")
    new = world.add_chat("supergroup", chat.title or "", dict(chat.members))
    new.bot_status, new.migrated_from = chat.bot_status, chat.id
    owner = next((world.people[n] for n, status in chat.members.items() if status == "creator"), None)
    world.tell_bot(world.add_message(chat, owner, {"migrate_to_chat_id": new.id}))
    chat.migrated_to = new.id
    world.tell_bot(world.add_message(new, owner, {"migrate_from_chat_id": chat.id}))
    return new
