"""Sending, judged by PTB."""

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Forbidden

from bot.sandbox.files import bruise
from bot.sandbox.model import Person
from bot.sandbox.sandbox import Sandbox


@pytest.fixture
def ana(sandbox: Sandbox) -> Person:
    """Give Ana, who has started the bot."""
    ana = sandbox.add_person("Ana", username="ana_l")
    sandbox.opens_link(ana)
    return ana


async def test_a_text_with_html_buttons_and_a_reply_arrives(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """What PTB sends is what Ana sees, and what PTB reads back."""
    question = sandbox.says(ana, "does it hurt?")
    keyboard = InlineKeyboardMarkup(
        [[InlineKeyboardButton("Yes", callback_data="y"), InlineKeyboardButton("Site", url="https://x.org")]]
    )

    sent = await bot.send_message(
        ana.id, "A <b>little</b>.", parse_mode=ParseMode.HTML, reply_markup=keyboard, reply_parameters=ReplyParameters(question.id)
    )  # fmt: skip

    seen = sandbox.chat(ana).last
    assert (seen.text, seen.entities) == ("A little.", [{"type": "bold", "offset": 2, "length": 6}])
    assert seen.buttons == ["Yes", "Site"]
    assert seen.reply_to is question
    assert (sent.message_id, sent.text_html) == (seen.id, "A <b>little</b>.")
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "does it hurt?"
    assert sent.reply_markup == keyboard
    assert sent.date == seen.date.replace(microsecond=0)
    assert (sent.chat.id, sent.chat.username) == (ana.id, "ana_l")


async def test_entities_may_be_given_instead_of_markup(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """A list of entities does without HTML."""
    await bot.send_message(ana.id, "so <sore>", entities=[MessageEntity("bold", 3, 6)])

    assert sandbox.chat(ana).last.entities == [{"type": "bold", "offset": 3, "length": 6}]


@pytest.mark.parametrize("text", ["", "   ", "<b></b>"])
async def test_an_empty_text_is_refused(bot: Bot, ana: Person, text: str) -> None:
    """A text of nothing, or of white space, is no message."""
    with pytest.raises(BadRequest, match="Message text is empty"):
        await bot.send_message(ana.id, text, parse_mode=ParseMode.HTML)


async def test_length_counts_after_parsing_in_utf16(bot: Bot, ana: Person) -> None:
    """4,096 units pass, tags not counted; one more does not."""
    await bot.send_message(ana.id, "<b>" + "😀" * 2048 + "</b>", parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.send_message(ana.id, "😀" * 2048 + "x")
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_photo(ana.id, bruise(), caption="x" * 1025)


async def test_bad_markup_and_markdown_are_refused(bot: Bot, ana: Person) -> None:
    """HTML must be whole; Markdown is not for the sandbox."""
    with pytest.raises(BadRequest, match="Can't parse entities"):
        await bot.send_message(ana.id, "<b>x", parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match="unsupported in the sandbox"):
        await bot.send_message(ana.id, "*x*", parse_mode=ParseMode.MARKDOWN_V2)


@pytest.mark.parametrize("data", ["", "я" * 33, "x" * 65])
async def test_button_data_has_one_to_64_bytes(bot: Bot, ana: Person, data: str) -> None:
    """Bytes count, not letters."""
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(
            ana.id, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data)]])
        )


async def test_a_button_must_do_something_and_link_somewhere(bot: Bot, ana: Person) -> None:
    """A button with no action, and one with a broken address, are refused."""
    with pytest.raises(BadRequest, match="text buttons are unallowed"):
        await bot.send_message(ana.id, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x")]]))
    with pytest.raises(BadRequest, match="wrong http url"):
        await bot.send_message(
            ana.id,
            "x",
            reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x", url="not an address")]]),
        )


async def test_a_bot_cannot_write_first(bot: Bot, sandbox: Sandbox) -> None:
    """Nobody known: not found. Somebody who never started: forbidden."""
    ben = sandbox.add_person("Ben")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(99, "hello")
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(ben.id, "hello")


async def test_blocked_and_deleted_people_are_forbidden(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """Telegram's own words tell the two apart."""
    sandbox.blocks(ana)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ana.id, "hello")
    sandbox.unblocks(ana)
    await bot.send_message(ana.id, "hello")
    sandbox.deactivates(ana)
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(ana.id, "hello")


async def test_a_reply_to_nothing_is_refused_unless_allowed(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """allow_sending_without_reply sends it plainly."""
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(ana.id, "x", reply_parameters=ReplyParameters(999))
    await bot.send_message(
        ana.id, "x", reply_parameters=ReplyParameters(999, allow_sending_without_reply=True)
    )

    assert sandbox.chat(ana).last.reply_to is None


async def test_a_photo_goes_up_and_comes_down(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """The picture that was sent can be fetched again by its id, and sent by it."""
    sent = await bot.send_photo(ana.id, bruise(), caption="<i>QR</i>", parse_mode=ParseMode.HTML)
    file = await sent.photo[-1].get_file()
    again = await bot.send_photo(ana.id, sent.photo[-1].file_id)

    assert bytes(await file.download_as_bytearray()) == bruise()
    assert (sent.photo[-1].width, sent.photo[-1].height) == (400, 300)
    assert len(sent.photo) > 1
    assert sent.caption_html == "<i>QR</i>"
    assert again.photo[-1].file_id == sent.photo[-1].file_id
    assert sandbox.chat(ana).last.file is not None


async def test_a_document_keeps_its_name(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """A document arrives with its name, kind and content."""
    sent = await bot.send_document(ana.id, b"name,answer\n", filename="week.csv", caption="This week")

    seen = sandbox.chat(ana).last
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type) == ("week.csv", "text/csv")
    assert seen.file is not None
    assert seen.file.content == b"name,answer\n"


async def test_voice_is_sent_and_unknown_files_are_not(bot: Bot, ana: Person) -> None:
    """A voice message passes; a file id nobody gave out does not."""
    assert (await bot.send_voice(ana.id, b"OggS", duration=3)).voice is not None
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await bot.send_photo(ana.id, "AgACnothing")
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await bot.send_photo(ana.id, b"no picture")


async def test_copies_say_nothing_and_forwards_tell_whose_it_is(
    bot: Bot, sandbox: Sandbox, ana: Person
) -> None:
    """A copy is the bot's own; a forward names the writer."""
    ben = sandbox.add_person("Ben")
    sandbox.opens_link(ben)
    question = sandbox.says(ana, "is this normal?")

    copied = await bot.copy_message(ben.id, ana.id, question.id)
    forwarded = await bot.forward_message(ben.id, ana.id, question.id)

    assert sandbox.chat(ben).message(copied.message_id) is not None
    assert forwarded.text == "is this normal?"
    assert forwarded.forward_origin is not None
    assert forwarded.forward_origin.to_dict()["sender_user"]["first_name"] == "Ana"
    with pytest.raises(BadRequest, match="Message to copy not found"):
        await bot.copy_message(ben.id, ana.id, 999)


async def test_typing_is_shown_until_the_message_comes(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """A chat action lasts until the bot's next message."""
    await bot.send_chat_action(ana.id, ChatAction.TYPING)
    assert sandbox.chat(ana).typing_until > 0

    await bot.send_message(ana.id, "done")

    assert sandbox.chat(ana).typing_until == 0


async def test_a_reply_keyboard_comes_and_goes(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """The keyboard under the message box stays until it is removed."""
    await bot.send_message(ana.id, "x", reply_markup=ReplyKeyboardMarkup([["Better", "Worse"]]))
    assert sandbox.chat(ana).keyboard is not None

    await bot.send_message(ana.id, "x", reply_markup=ReplyKeyboardRemove())

    assert sandbox.chat(ana).keyboard is None
