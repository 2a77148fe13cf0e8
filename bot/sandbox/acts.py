"""What people do with their phones: write, answer, press, block."""

import secrets

from bot.sandbox.files import reference
from bot.sandbox.markup import trim, with_found
from bot.sandbox.model import JSON, MEMBERS, Chat, File, Message, Person, Press
from bot.sandbox.wire import bot_membership_json, press_json, stamp
from bot.sandbox.world import World


class NotPossible(ValueError):
    """This cannot be done on a real phone either."""


def post(
    world: World,
    chat: Chat,
    sender: Person,
    content: JSON,
    *,
    reply_to: Message | None = None,
    files: tuple[File, ...] = (),
    forwarded_from: str | None = None,
) -> Message:
    """Put what somebody sends into a chat, and hand it to the bot if the bot may read it."""
    _can_write(chat, sender)
    if chat.person is not None:
        chat.person.started = True
    if forwarded_from is not None:
        origin = {"type": "hidden_user", "sender_user_name": forwarded_from, "date": stamp(world.clock.now())}
        content = {**content, "forward_origin": origin}
    author = None if chat.kind == "channel" else sender
    message = world.add_message(chat, author, content, reply_to=reply_to, files=files)
    world.tell_bot(message)
    return message


def text_content(text: str) -> JSON:
    """Return the content of a typed text, with the commands and links in it marked."""
    clean, _ = trim(text, [])
    if not clean:
        raise NotPossible("an empty message cannot be sent")
    entities = with_found(clean, [])
    return {"text": clean, "entities": entities} if entities else {"text": clean}


def caption_content(caption: str) -> JSON:
    """Return the caption of something sent; empty without one."""
    if not caption.strip():
        return {}
    content = text_content(caption)
    body = {"caption": content["text"]}
    return {**body, "caption_entities": content["entities"]} if "entities" in content else body


def edit(world: World, message: Message, text: str) -> Message:
    """Change what somebody wrote, the text or the caption."""
    if message.deleted or message.sender is None or message.by_bot:
        raise NotPossible("only one's own message can be edited")
    if "text" in message.content:
        message.content = text_content(text)
    else:
        kept = {key: part for key, part in message.content.items() if not key.startswith("caption")}
        message.content = {**kept, **caption_content(text)}
    message.edited_at = world.clock.now()
    world.changed.beat()
    world.tell_bot(message, edited=True)
    return message


def press(world: World, person: Person, message: Message, data: str) -> Press:
    """Press an inline button; the bot hears of it even in groups with privacy mode."""
    chat = message.chat
    if chat.person is not None and chat.person is not person:
        raise NotPossible("this chat is somebody else's")
    if chat.person is None and chat.members.get(person.id) not in MEMBERS:
        raise NotPossible(f"{person.name} is not in {chat.name}")
    if person.blocked and chat.person is not None:
        raise NotPossible(f"{person.name} has blocked the bot")
    pressed = Press(
        id=str(secrets.randbits(60)), person=person, message=message, data=data, at=world.clock.now()
    )
    world.presses[pressed.id] = pressed
    if chat.person is not None or chat.bot_status in MEMBERS:
        world.updates.put("callback_query", press_json(pressed), chat.id)
    world.changed.beat()
    return pressed


def block(world: World, person: Person) -> None:
    """Block the bot."""
    _set_blocked(world, person, blocked=True)


def unblock(world: World, person: Person) -> None:
    """Let the bot write again."""
    _set_blocked(world, person, blocked=False)


def _set_blocked(world: World, person: Person, *, blocked: bool) -> None:
    if person.blocked == blocked:
        return
    person.blocked = blocked
    chat = world.chats[person.id]
    before, after = ("member", "kicked") if blocked else ("kicked", "member")
    body = bot_membership_json(
        chat=chat, by=person, bot=world.bot, before=before, after=after, at=world.clock.now()
    )
    world.updates.put("my_chat_member", body, chat.id)
    world.changed.beat()


def _can_write(chat: Chat, sender: Person) -> None:
    if sender.deactivated:
        raise NotPossible(f"{sender.name} has no account any more")
    if chat.person is not None:
        if chat.person is not sender:
            raise NotPossible("this chat is somebody else's")
        if sender.blocked:
            raise NotPossible(f"{sender.name} has blocked the bot; unblock first")
    elif chat.migrated_to is not None:
        raise NotPossible(f"{chat.name} has become a supergroup; write there")
    elif chat.members.get(sender.id) not in MEMBERS:
        raise NotPossible(f"{sender.name} is not in {chat.name}")


def sticker_part(file: File, emoji: str) -> JSON:
    """Return a Sticker."""
    kind = {"type": "regular", "is_animated": False, "is_video": False, "width": 512, "height": 512}
    return {"sticker": {**reference(file), **kind, "emoji": emoji}}


def poll_part(question: str, options: list[str]) -> JSON:
    """Return a Poll somebody made."""
    return {
        "poll": {
            "id": str(secrets.randbits(60)),
            "question": question,
            "options": [
                {"persistent_id": str(n), "text": text, "voter_count": 0} for n, text in enumerate(options)
            ],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": True,
            "members_only": False,
        }
    }
