"""How the bot introduces itself in Telegram's own menus: commands and descriptions, in every language it speaks."""

from __future__ import annotations

import logging

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    MenuButtonCommands,
)
from telegram.error import TelegramError

from bot.content.library import Language, Library

log = logging.getLogger(__name__)


async def introduce(bot: Bot, library: Library) -> None:
    """Set commands, descriptions and the menu, beside the bot's work; whatever comes of it, the bot goes on."""
    default = library.language(None)
    try:
        await _in_language(bot, default, None)
        for language in library.languages.values():
            if language is not default:
                await _in_language(bot, language, language.code)
        await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    except Exception as error:
        log.warning(
            "Telegram's menus could not be set (%s).", type(error).__name__, extra={"action": "menus"}
        )


async def user_name(token: str, api_url: str) -> str | None:
    """Ask the Bot API server for the bot's user name; None if it cannot be reached or refuses the token."""
    try:
        async with Bot(token, base_url=f"{api_url.rstrip('/')}/bot") as bot:
            return bot.username
    except TelegramError:
        return None


async def _in_language(bot: Bot, language: Language, code: str | None) -> None:
    for commands, scope in (
        (language.patient_commands, BotCommandScopeAllPrivateChats()),
        (language.staff_commands, BotCommandScopeAllGroupChats()),
    ):
        await bot.set_my_commands(
            [BotCommand(name, words) for name, words in commands.items()], scope=scope, language_code=code
        )
    await bot.set_my_description(language.description, language_code=code)
    await bot.set_my_short_description(language.short_description, language_code=code)
