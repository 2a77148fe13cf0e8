"""The handle that journeys are written with."""

import asyncio

import pytest
from telegram import InlineKeyboardMarkup, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from bot.sandbox.acts import NotPossible
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import Address
from tests.sandbox.conftest import TOKEN

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Much better", "callback_data": "b"}, {"text": "Site", "url": "https://x.org"}]
    ]
}


async def _start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    keyboard = InlineKeyboardMarkup.de_json(KEYBOARD)
    await context.bot.send_message(update.message.chat.id, f"Hello {context.args}", reply_markup=keyboard)


async def _pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.callback_query is not None
    await update.callback_query.answer("Good to hear")
    await update.callback_query.edit_message_text("Thank you")


async def test_a_real_application_talks_with_a_person(sandbox: Sandbox, address: Address) -> None:
    """A whole PTB application polls, answers, edits, and stops without a word."""
    application = (
        Application.builder().token(TOKEN).base_url(address.api).base_file_url(address.files).build()
    )
    application.add_handler(CommandHandler("start", _start))
    application.add_handler(CallbackQueryHandler(_pressed))
    ana = sandbox.add_person("Ana")
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling()

        link = sandbox.opens_link(ana, "abc")
        hello = await sandbox.sees(ana, "Hello", after=link)
        press = await sandbox.press(ana, hello, "better")
        await sandbox.sees(ana, "Thank you")
        await sandbox.settled()

        await application.updater.stop()
        await application.stop()

    assert hello.text == "Thank you"
    assert press.answer is not None
    assert press.answer.text == "Good to hear"
    assert sandbox.world.updates.waiting() == []
    assert [entry.params["text"] for entry in sandbox.calls("sendMessage")] == ["Hello ['abc']"]
    assert TOKEN not in str(sandbox.calls())


async def test_waiting_in_vain_says_what_was_there(sandbox: Sandbox) -> None:
    """The error names the chat's last messages."""
    ana = sandbox.add_person("Ana")
    sandbox.says(ana, "anybody there?")

    with pytest.raises(TimeoutError, match="anybody there"):
        await sandbox.sees(ana, "Hello", seconds=0.1)
    with pytest.raises(TimeoutError, match="come to rest"):
        await sandbox.settled(seconds=0.1)


async def test_waiting_ends_as_soon_as_it_can(sandbox: Sandbox) -> None:
    """Also for things that are not the sandbox's own."""
    seen: list[int] = []
    asyncio.get_running_loop().call_later(0.02, seen.append, 1)

    assert await sandbox.until(lambda: seen, seconds=5) == [1]
    assert await sandbox.until(list[int], seconds=0.01) is None


def test_buttons_are_found_by_their_label(sandbox: Sandbox) -> None:
    """Whole labels first, then parts; a link is no press, and a missing one names what there is."""
    ana = sandbox.add_person("Ana")
    message = sandbox.world.add_message(sandbox.chat(ana), sandbox.bot, {"text": "?"}, markup=KEYBOARD)

    assert sandbox.presses(ana, message, "better").data == "b"
    with pytest.raises(LookupError, match="Much better"):
        message.button("Worse")
    with pytest.raises(NotPossible, match="tells the bot nothing"):
        sandbox.presses(ana, message, "Site")


def test_turning_the_clock_dates_messages(sandbox: Sandbox) -> None:
    """A day later the message is a day younger."""
    ana = sandbox.add_person("Ana")
    first = sandbox.says(ana, "now")
    sandbox.turn(86_400)

    assert (sandbox.says(ana, "tomorrow").date - first.date).total_seconds() == 86_400
    assert sandbox.person(ana.id) is ana
    assert sandbox.chat(ana.id).last.text == "tomorrow"
    sandbox.deletes(first)
    assert [m.text for m in sandbox.chat(ana).messages] == ["tomorrow"]
