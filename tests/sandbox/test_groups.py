"""Groups, as PTB hears of them."""

import pytest
from telegram import Bot
from telegram.error import ChatMigrated

from bot.sandbox.sandbox import Sandbox


async def test_being_added_to_a_group_is_told_twice(bot: Bot, sandbox: Sandbox) -> None:
    """By my_chat_member and by a service message."""
    mei = sandbox.add_person("Mei")
    sandbox.add_group("Staff", members=[mei])

    member, service = await bot.get_updates()

    assert member.my_chat_member is not None
    assert (member.my_chat_member.old_chat_member.status, member.my_chat_member.new_chat_member.status) == (
        "left",
        "member",
    )
    assert member.my_chat_member.from_user.id == mei.id
    assert service.message is not None
    assert [user.id for user in service.message.new_chat_members] == [sandbox.bot.id]


def test_the_bot_is_named_by_the_number_of_its_token() -> None:
    """Also in what happened before its first call."""
    fresh = Sandbox()
    mei = fresh.add_person("Mei")
    staff = fresh.add_group("Staff", members=[mei])

    fresh.world.number_bot(42)

    assert staff.last.content["new_chat_members"][0]["id"] == fresh.bot.id == 42
    assert fresh.world.updates.waiting()[0].body["new_chat_member"]["user"]["id"] == 42
    assert fresh.groups == [staff]
    assert fresh.people == [mei]


async def test_people_join_and_leave(bot: Bot, sandbox: Sandbox) -> None:
    """The bot is told by service messages even in privacy mode."""
    mei, raj = sandbox.add_person("Mei"), sandbox.add_person("Raj")
    staff = sandbox.add_group("Staff", members=[mei])
    sandbox.add_member(staff, raj, by=mei)
    sandbox.remove_member(staff, raj)

    joined, left = [u.message for u in await bot.get_updates() if u.message][-2:]

    assert [user.first_name for user in joined.new_chat_members] == ["Raj"]
    assert left.left_chat_member is not None
    assert left.left_chat_member.first_name == "Raj"


async def test_a_group_that_becomes_a_supergroup_has_a_new_number(bot: Bot, sandbox: Sandbox) -> None:
    """The old number answers with the new one, and both sides are told."""
    mei = sandbox.add_person("Mei")
    staff = sandbox.add_group("Staff", members=[mei])
    new = sandbox.migrate(staff)

    with pytest.raises(ChatMigrated) as raised:
        await bot.send_message(staff.id, "x")
    sent = await bot.send_message(new.id, "x")

    assert raised.value.new_chat_id == new.id
    assert (sent.chat.type, str(new.id)[:4]) == ("supergroup", "-100")
    old, begun = [u.message for u in await bot.get_updates() if u.message][-2:]
    assert (old.chat.id, old.migrate_to_chat_id) == (staff.id, new.id)
    assert (begun.chat.id, begun.migrate_from_chat_id) == (new.id, staff.id)
    with pytest.raises(ValueError, match="no group"):
        sandbox.migrate(staff)
