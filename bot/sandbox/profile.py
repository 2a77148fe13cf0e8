"""What the bot tells about itself: commands, descriptions, menu button."""

import json
from dataclasses import dataclass, field

from bot.sandbox.model import JSON

_DEFAULT_SCOPE: JSON = {"type": "default"}


@dataclass(eq=False)
class Profile:
    """The bot's names, descriptions and commands, each by language, commands also by scope."""

    commands: dict[tuple[str, str], list[JSON]] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    menu_button: JSON = field(default_factory=lambda: {"type": "default"})

    def set_commands(self, scope: JSON | None, language: str, commands: list[JSON]) -> None:
        """Keep the commands for one scope and language; an empty list removes them."""
        key = (scope_key(scope), language)
        self.commands.pop(key, None)
        if commands:
            self.commands[key] = commands

    def commands_of(self, scope: JSON | None, language: str) -> list[JSON]:
        """Return the commands of exactly this scope and language."""
        return self.commands.get((scope_key(scope), language), [])

    def commands_for(
        self, chat_id: int, user_id: int, language: str, *, kind: str, admin: bool
    ) -> list[JSON]:
        """Return what a person's "/" menu shows in a chat: the narrowest scope that was set.

        The order is Telegram's (core.telegram.org/bots/api, "Determining list of commands").
        """
        scopes: list[JSON] = [{"type": "chat_member", "chat_id": chat_id, "user_id": user_id}]
        if kind == "private":
            scopes = [{"type": "chat", "chat_id": chat_id}, {"type": "all_private_chats"}]
        else:
            if admin:
                scopes.append({"type": "chat_administrators", "chat_id": chat_id})
            scopes.append({"type": "chat", "chat_id": chat_id})
            if admin:
                scopes.append({"type": "all_chat_administrators"})
            scopes.append({"type": "all_group_chats"})
        for scope in [*scopes, _DEFAULT_SCOPE]:
            for tongue in (language, ""):
                found = self.commands.get((scope_key(scope), tongue))
                if found:
                    return found
        return []


def scope_key(scope: JSON | None) -> str:
    """Return a BotCommandScope as one word that can be compared."""
    return json.dumps(scope or _DEFAULT_SCOPE, sort_keys=True)
