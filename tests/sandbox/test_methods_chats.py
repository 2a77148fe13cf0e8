"""Chats, members and files, judged by PTB."""

import pytest
from telegram import Bot
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, Forbidden

from bot.sandbox.sandbox import Sandbox


async def test_a_private_chat_tells_who_it_is(bot: Bot, sandbox: Sandbox) -> None:
    """getChat gives names, once the person has started the bot."""
    ana = sandbox.add_person("Ana", last_name="Lim", username="ana_l")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.get_chat(ana.id)
    sandbox.opens_link(ana)

    chat = await bot.get_chat(ana.id)

    assert (chat.type, chat.first_name, chat.last_name, chat.username) == ("private", "Ana", "Lim", "ana_l")


async def test_a_group_tells_its_members(bot: Bot, sandbox: Sandbox) -> None:
    """Owner, member, somebody who left, a stranger, and the bot itself."""
    mei, raj, ben = (sandbox.add_person(name) for name in ("Mei", "Raj", "Ben"))
    staff = sandbox.add_group("Staff", members=[mei, raj])
    sandbox.remove_member(staff, raj)

    states = {p.first_name: (await bot.get_chat_member(staff.id, p.id)).status for p in (mei, raj, ben)}

    assert states == {
        "Mei": ChatMemberStatus.OWNER,
        "Raj": ChatMemberStatus.LEFT,
        "Ben": ChatMemberStatus.LEFT,
    }
    assert (await bot.get_chat_member(staff.id, 123456)).status == ChatMemberStatus.MEMBER
    assert [m.user.id for m in await bot.get_chat_administrators(staff.id)] == [mei.id]
    assert await bot.get_chat_member_count(staff.id) == 2
    assert (await bot.get_chat(staff.id)).title == "Staff"
    with pytest.raises(BadRequest, match="Member not found"):
        await bot.get_chat_member(staff.id, 42)


async def test_an_administrator_has_rights(bot: Bot, sandbox: Sandbox) -> None:
    """PTB reads the rights of an administrator, and the bot may be one."""
    mei = sandbox.add_person("Mei")
    staff = sandbox.add_group("Staff", members=[mei], admin=True)

    own = await bot.get_chat_member(staff.id, 123456)

    assert own.to_dict()["can_delete_messages"] is True
    assert {m.status for m in await bot.get_chat_administrators(staff.id)} == {"creator", "administrator"}


async def test_a_bot_that_left_or_was_removed_cannot_write(bot: Bot, sandbox: Sandbox) -> None:
    """The two are told apart, and both are told to the bot."""
    mei = sandbox.add_person("Mei")
    first, second = (sandbox.add_group(title, members=[mei]) for title in ("One", "Two"))
    await bot.leave_chat(first.id)
    sandbox.remove_bot(second)

    with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
        await bot.send_message(first.id, "x")
    with pytest.raises(Forbidden, match="bot was kicked from the group chat"):
        await bot.send_message(second.id, "x")
    told = [u.my_chat_member.new_chat_member.status for u in await bot.get_updates() if u.my_chat_member]
    assert told == ["member", "member", "left", "kicked"]


async def test_a_photo_of_a_person_can_be_fetched(bot: Bot, sandbox: Sandbox) -> None:
    """What Ana uploads, the bot downloads; an unknown file it does not."""
    ana = sandbox.add_person("Ana")
    sandbox.sends_photo(ana, caption="is this normal?")

    message = (await bot.get_updates())[-1].message
    assert message is not None
    file = await message.photo[0].get_file()

    assert (await file.download_as_bytearray())[:4] == b"\x89PNG"
    assert message.caption == "is this normal?"
    with pytest.raises(BadRequest, match="Invalid file_id"):
        await bot.get_file("nothing")
