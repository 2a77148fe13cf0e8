"""Edits, deletions, answers to presses, judged by PTB."""

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReactionTypeEmoji, Update
from telegram.error import BadRequest

from bot.sandbox.files import bruise
from bot.sandbox.model import Person
from bot.sandbox.sandbox import Sandbox

YES_NO = InlineKeyboardMarkup(
    [[InlineKeyboardButton("Yes", callback_data="y"), InlineKeyboardButton("No", callback_data="n")]]
)


@pytest.fixture
def ana(sandbox: Sandbox) -> Person:
    """Give Ana, who has started the bot."""
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    return ana


async def test_an_edit_changes_text_and_drops_the_keyboard(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """A keyboard that is not given again is gone."""
    sent = await bot.send_message(ana.id, "Better?", reply_markup=YES_NO)

    edited = await bot.edit_message_text("Thank you.", ana.id, sent.message_id)

    assert isinstance(edited, type(sent))
    assert (edited.text, edited.reply_markup) == ("Thank you.", None)
    assert edited.edit_date is not None
    assert sandbox.chat(ana).last.edited_at is not None


async def test_the_same_again_is_not_an_edit(bot: Bot, ana: Person) -> None:
    """Telegram refuses an edit that changes nothing."""
    sent = await bot.send_message(ana.id, "Better?", reply_markup=YES_NO)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("Better?", ana.id, sent.message_id, reply_markup=YES_NO)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_reply_markup(ana.id, sent.message_id, reply_markup=YES_NO)


async def test_keyboards_and_captions_are_edited_on_their_own(
    bot: Bot, sandbox: Sandbox, ana: Person
) -> None:
    """A new keyboard leaves the text, a new caption the picture."""
    text = await bot.send_message(ana.id, "Better?", reply_markup=YES_NO)
    photo = await bot.send_photo(ana.id, bruise(), caption="QR")

    await bot.edit_message_reply_markup(ana.id, text.message_id)
    await bot.edit_message_caption(ana.id, photo.message_id, caption="Used")

    first, second = sandbox.chat(ana).messages[-2:]
    assert (first.text, first.buttons, first.edited_at) == ("Better?", [], None)
    assert (second.text, "photo" in second.content) == ("Used", True)


async def test_only_what_is_there_can_be_edited(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """Missing messages, other people's messages and the wrong part are refused."""
    theirs = sandbox.says(ana, "hello")
    text = await bot.send_message(ana.id, "x")
    photo = await bot.send_photo(ana.id, bruise())
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("y", ana.id, 999)
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("y", ana.id, theirs.id)
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await bot.edit_message_text("y", ana.id, photo.message_id)
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await bot.edit_message_caption(ana.id, text.message_id, caption="y")


async def test_messages_are_deleted_for_48_hours(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """In a private chat the bot deletes both sides' messages, if they are not too old."""
    theirs = sandbox.says(ana, "my answer")
    own = await bot.send_message(ana.id, "x")
    old = await bot.send_message(ana.id, "y")

    assert await bot.delete_message(ana.id, theirs.id)
    assert await bot.delete_messages(ana.id, [own.message_id, 999])
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(ana.id, own.message_id)
    sandbox.turn(48 * 3600 + 1)
    with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
        await bot.delete_message(ana.id, old.message_id)

    assert [m.text for m in sandbox.chat(ana).messages] == ["/start", "y"]


async def test_a_press_reaches_the_bot_and_its_answer_the_person(
    bot: Bot, sandbox: Sandbox, ana: Person
) -> None:
    """The callback query carries the message with its buttons; the toast comes back."""
    question = sandbox.says(ana, "hm")
    await bot.send_message(ana.id, "Better?", reply_markup=YES_NO, reply_to_message_id=question.id)
    press = sandbox.presses(ana, sandbox.chat(ana).last, "Yes")

    query = (await bot.get_updates())[-1].callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.from_user.id) == ("y", ana.id)
    assert query.message.to_dict()["reply_to_message"]["text"] == "hm"
    assert query.message.to_dict()["reply_markup"] == YES_NO.to_dict()
    await query.answer("Noted", show_alert=True)

    assert press.answer is not None
    assert (press.answer.text, press.answer.alert) == ("Noted", True)


async def test_a_press_can_be_answered_for_150_seconds(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """An unknown query and an old one are refused alike."""
    await bot.send_message(ana.id, "Better?", reply_markup=YES_NO)
    press = sandbox.presses(ana, sandbox.chat(ana).last, "No")
    sandbox.turn(149)
    assert await bot.answer_callback_query(press.id)
    sandbox.turn(2)
    for number in (press.id, "12345"):
        with pytest.raises(
            BadRequest, match="Query is too old and response timeout expired or query id is invalid"
        ):
            await bot.answer_callback_query(number)
    with pytest.raises(BadRequest, match="Message_too_long"):
        await bot.answer_callback_query(sandbox.presses(ana, sandbox.chat(ana).last, "No").id, "x" * 201)


async def test_a_deleted_message_is_inaccessible_to_a_press(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """A press on something just deleted tells only where it was."""
    sent = await bot.send_message(ana.id, "Better?", reply_markup=YES_NO)
    message = sandbox.chat(ana).last
    await bot.delete_message(ana.id, sent.message_id)
    sandbox.presses(ana, message, "Yes")

    update: Update = (await bot.get_updates())[-1]

    assert update.callback_query is not None
    assert update.callback_query.message is not None
    assert update.callback_query.message.is_accessible is False


async def test_reactions_and_pins(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """The bot marks a message with an emoji, and pins it."""
    theirs = sandbox.says(ana, "hello")

    assert await bot.set_message_reaction(ana.id, theirs.id, [ReactionTypeEmoji("👍")])
    assert await bot.pin_chat_message(ana.id, theirs.id)
    pinned = (await bot.get_chat(ana.id)).pinned_message
    assert await bot.unpin_chat_message(ana.id)

    assert theirs.reactions == ["👍"]
    assert pinned is not None
    assert pinned.message_id == theirs.id
    assert theirs.pinned is False
    with pytest.raises(BadRequest, match="Message to react not found"):
        await bot.set_message_reaction(ana.id, 999, "👍")
