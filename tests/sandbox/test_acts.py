"""What people can and cannot do."""

import pytest
from telegram import Bot

from bot.sandbox.acts import NotPossible
from bot.sandbox.model import Person
from bot.sandbox.sandbox import Sandbox


@pytest.fixture
def ana(sandbox: Sandbox) -> Person:
    """Give Ana."""
    return sandbox.add_person("Ana")


async def test_a_link_arrives_as_a_start_command(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """With its payload, marked as a command."""
    sandbox.opens_link(ana, "Zq3v-_9")

    message = (await bot.get_updates())[0].message

    assert message is not None
    assert message.text == "/start Zq3v-_9"
    assert [(e.type, e.offset, e.length) for e in message.entities] == [("bot_command", 0, 6)]
    assert message.from_user is not None
    assert message.from_user.language_code == "en"


async def test_blocking_and_unblocking_are_told(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """As my_chat_member, once each."""
    sandbox.opens_link(ana)
    sandbox.blocks(ana)
    sandbox.blocks(ana)
    sandbox.unblocks(ana)

    told = [u.my_chat_member for u in await bot.get_updates() if u.my_chat_member]

    assert [(m.chat.id, m.new_chat_member.status) for m in told] == [(ana.id, "kicked"), (ana.id, "member")]


def test_what_a_phone_refuses_is_not_possible(sandbox: Sandbox, ana: Person) -> None:
    """Empty texts, blocked bots, other people's chats and groups one is not in."""
    ben = sandbox.add_person("Ben")
    staff = sandbox.add_group("Staff", members=[ben])
    with pytest.raises(NotPossible, match="empty"):
        sandbox.says(ana, "  ")
    with pytest.raises(NotPossible, match="somebody else's"):
        sandbox.says(ana, "x", chat=ben)
    with pytest.raises(NotPossible, match="is not in Staff"):
        sandbox.says(ana, "x", chat=staff)
    message = sandbox.says(ana, "x")
    sandbox.blocks(ana)
    with pytest.raises(NotPossible, match="unblock first"):
        sandbox.says(ana, "x")
    with pytest.raises(NotPossible, match="blocked"):
        sandbox.presses_data(ana, message, "y")
    with pytest.raises(NotPossible, match="is not in Staff"):
        sandbox.presses_data(ana, staff.last, "y")
    with pytest.raises(NotPossible, match="own message"):
        sandbox.edits(sandbox.world.add_message(sandbox.chat(ana), sandbox.bot, {"text": "bot's"}), "x")
    sandbox.deactivates(ben)
    with pytest.raises(NotPossible, match="no account"):
        sandbox.says(ben, "x")


async def test_everything_a_phone_can_send_is_read_by_ptb(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """Photo, document, sticker, voice, video, location, contact, poll, and a forward."""
    sandbox.sends_photo(ana, caption="/help me")
    sandbox.sends_document(ana, b"%PDF-", "scan.pdf", mime="application/pdf")
    for kind in ("sticker", "voice", "video", "location", "contact", "poll"):
        sandbox.sends_sample(ana, kind)
    sandbox.says(ana, "look", forwarded_from="A friend")
    sandbox.sends(ana, {"dice": {"emoji": "🎲", "value": 3}})

    messages = [u.message for u in await bot.get_updates() if u.message]

    parts = (
        "photo",
        "document",
        "sticker",
        "voice",
        "video",
        "location",
        "contact",
        "poll",
        "forward_origin",
        "dice",
    )
    assert [next(part for part in parts if getattr(m, part)) for m in messages] == list(parts)
    assert messages[0].caption_entities[0].type == "bot_command"
    assert messages[6].contact is not None
    assert messages[6].contact.user_id == ana.id
    with pytest.raises(NotPossible, match="no sample"):
        sandbox.sends_sample(ana, "hologram")
    with pytest.raises(NotPossible, match="PNG and JPEG"):
        sandbox.sends_photo(ana, content=b"GIF89a")


def test_a_caption_can_be_edited(sandbox: Sandbox, ana: Person) -> None:
    """The picture stays."""
    message = sandbox.edits(sandbox.sends_photo(ana, caption="old"), "new")

    assert (message.text, "photo" in message.content, message.edited_at is not None) == ("new", True, True)
