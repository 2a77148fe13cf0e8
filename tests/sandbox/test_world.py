"""What the bot may read, and how messages are numbered."""

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.model import Chat, Person
from bot.sandbox.sandbox import Sandbox


@pytest.fixture
def mei(sandbox: Sandbox) -> Person:
    """Give Mei."""
    return sandbox.add_person("Mei")


@pytest.fixture
def staff(sandbox: Sandbox, mei: Person) -> Chat:
    """Give a group of Mei's, with the bot as an ordinary member."""
    staff = sandbox.add_group("Staff", members=[mei])
    sandbox.world.updates.clear()
    return staff


async def heard(bot: Bot) -> list[str | None]:
    """Return the texts the bot got."""
    return [u.effective_message.text for u in await bot.get_updates() if u.effective_message]


async def test_privacy_mode_hides_talk_and_shows_commands_and_replies(
    bot: Bot, sandbox: Sandbox, staff: Chat, mei: Person
) -> None:
    """Commands for another bot are not for us either."""
    await bot.send_message(staff.id, "New question #7")
    question = sandbox.chat(staff).last
    sandbox.says(mei, "who takes this?", chat=staff)
    sandbox.says(mei, "/treated", chat=staff)
    sandbox.says(mei, "/treated@AFTERCARE_sandbox_bot", chat=staff)
    sandbox.says(mei, "/treated@other_bot", chat=staff)
    sandbox.says(mei, "I typed /treated", chat=staff)
    talk = sandbox.says(mei, "warm pack", chat=staff, reply_to=question)
    sandbox.says(mei, "thanks", chat=staff, reply_to=talk)

    assert await heard(bot) == ["/treated", "/treated@AFTERCARE_sandbox_bot", "warm pack"]


async def test_an_administrator_hears_everything(
    bot: Bot, sandbox: Sandbox, staff: Chat, mei: Person
) -> None:
    """From the moment it is one."""
    sandbox.add_bot(staff, admin=True)
    sandbox.says(mei, "just talking", chat=staff)

    assert await heard(bot) == ["just talking"]


async def test_presses_are_heard_in_groups(bot: Bot, sandbox: Sandbox, staff: Chat, mei: Person) -> None:
    """Privacy mode does not hide buttons."""
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Take", callback_data="t")]])
    message = await bot.send_message(staff.id, "?", reply_markup=keyboard)
    sandbox.presses(mei, sandbox.chat(staff).last, "Take")

    [update] = await bot.get_updates()

    assert update.callback_query is not None
    assert update.callback_query.message is not None
    assert update.callback_query.message.message_id == message.message_id


async def test_edits_follow_the_same_rule(bot: Bot, sandbox: Sandbox, staff: Chat, mei: Person) -> None:
    """A hidden message stays hidden when it is edited; a private one is shown as edited."""
    sandbox.edits(sandbox.says(mei, "talk", chat=staff), "more talk")
    sandbox.edits(sandbox.says(mei, "can gym?"), "can gym tomorrow?")

    updates = await bot.get_updates()

    assert [(u.message or u.edited_message).text for u in updates] == ["can gym?", "can gym tomorrow?"]  # type: ignore[union-attr]
    assert updates[-1].edited_message is not None
    assert updates[-1].edited_message.edit_date is not None


async def test_channel_posts_are_their_own_kind(bot: Bot, sandbox: Sandbox, mei: Person) -> None:
    """They have no sender."""
    channel = sandbox.add_chat("News", members=[mei], kind="channel")
    sandbox.add_bot(channel, admin=True)
    sandbox.says(mei, "We are closed on Monday", chat=channel)

    post = (await bot.get_updates())[-1].channel_post

    assert post is not None
    assert (post.text, post.from_user, post.chat.type) == ("We are closed on Monday", None, "channel")


def test_numbers_are_wide_and_counted_as_telegram_counts(sandbox: Sandbox, mei: Person, staff: Chat) -> None:
    """Ids need more than 32 bits; private chats share a count, a supergroup has its own."""
    ana, ben = sandbox.add_person("Ana"), sandbox.add_person("Ben")
    clinic = sandbox.add_group("Clinic", members=[mei], kind="supergroup")

    first, second = sandbox.says(ana, "a"), sandbox.says(ben, "b")
    command = sandbox.says(mei, "/a", chat=clinic)

    assert ana.id > 2**32
    assert second.id == first.id + 1
    assert command.id == 2  # the first was "Mei added the bot"
