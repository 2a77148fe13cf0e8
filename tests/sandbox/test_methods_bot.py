"""What the bot tells of itself, and webhooks' settings, judged by PTB."""

import pytest
from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeChat, MenuButtonCommands
from telegram.error import BadRequest, Conflict

from bot.sandbox.sandbox import Sandbox


async def test_commands_are_kept_by_scope_and_language(bot: Bot) -> None:
    """Each scope and language has its own list, and can be emptied."""
    await bot.set_my_commands([("stop", "leave")])
    await bot.set_my_commands([("stop", "退出")], language_code="zh")
    await bot.set_my_commands([("treated", "register")], scope=BotCommandScopeAllGroupChats())

    assert await bot.get_my_commands() == (BotCommand("stop", "leave"),)
    assert (await bot.get_my_commands(language_code="zh"))[0].description == "退出"
    assert (await bot.get_my_commands(scope=BotCommandScopeAllGroupChats()))[0].command == "treated"
    await bot.delete_my_commands(language_code="zh")
    assert await bot.get_my_commands(language_code="zh") == ()
    assert await bot.get_my_commands(scope=BotCommandScopeChat(5)) == ()


async def test_a_command_must_be_a_word(bot: Bot) -> None:
    """Capitals and blanks are refused."""
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([("Stop it", "leave")])


async def test_names_and_descriptions(bot: Bot) -> None:
    """Texts are kept by language, with the plain one to fall back on."""
    await bot.set_my_description("Questions after dry needling")
    await bot.set_my_short_description("Aftercare")
    await bot.set_my_name("Orchard Aftercare")
    await bot.set_my_name("果园", language_code="zh")

    assert (await bot.get_my_description(language_code="ta")).description == "Questions after dry needling"
    assert (await bot.get_my_short_description()).short_description == "Aftercare"
    assert (await bot.get_my_name(language_code="zh")).name == "果园"
    assert (await bot.get_me()).first_name == "Orchard Aftercare"
    with pytest.raises(BadRequest):
        await bot.set_my_short_description("x" * 121)


async def test_the_menu_button(bot: Bot, sandbox: Sandbox) -> None:
    """One for all, or one for a chat."""
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    await bot.set_chat_menu_button(ana.id, MenuButtonCommands())

    assert (await bot.get_chat_menu_button(ana.id)).type == "commands"
    assert (await bot.get_chat_menu_button()).type == "default"


async def test_a_webhook_ends_polling(bot: Bot) -> None:
    """While a webhook is set, getUpdates is a conflict; the settings can be read."""
    await bot.set_webhook(
        "http://localhost:9/hook", secret_token="s3cret", max_connections=5, allowed_updates=["message"]
    )
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections, info.allowed_updates) == (
        "http://localhost:9/hook",
        5,
        ("message",),
    )

    await bot.delete_webhook()

    assert (await bot.get_webhook_info()).url == ""
    assert await bot.get_updates() == ()


async def test_webhooks_stay_on_this_machine(bot: Bot) -> None:
    """The sandbox sends nothing to the internet, and wants a decent secret."""
    with pytest.raises(BadRequest, match="localhost only"):
        await bot.set_webhook("https://example.org/hook")
    with pytest.raises(BadRequest, match="unallowed characters"):
        await bot.set_webhook("http://127.0.0.1:9/", secret_token="a b")


async def test_log_out_and_close_do_no_harm(bot: Bot) -> None:
    """They are accepted."""
    assert await bot.log_out()
    assert await bot.close()
