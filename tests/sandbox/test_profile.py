"""Which commands a person's menu shows."""

from typing import Any

import pytest

from bot.sandbox.profile import Profile

SCOPES: list[dict[str, Any]] = [
    {"type": "chat_member", "chat_id": -1, "user_id": 5},
    {"type": "chat_administrators", "chat_id": -1},
    {"type": "chat", "chat_id": -1},
    {"type": "all_chat_administrators"},
    {"type": "all_group_chats"},
    {"type": "default"},
]


@pytest.mark.parametrize("narrowest", range(len(SCOPES)))
def test_the_narrowest_scope_wins(narrowest: int) -> None:
    """Telegram's order, for an administrator of a group."""
    profile = Profile()
    for place, scope in enumerate(SCOPES[narrowest:], start=narrowest):
        profile.set_commands(scope, "", [{"command": f"c{place}"}])

    [found] = profile.commands_for(-1, 5, "en", kind="group", admin=True)

    assert found["command"] == f"c{narrowest}"


def test_a_language_wins_within_its_scope() -> None:
    """An own list for the language comes before the plain one."""
    profile = Profile()
    profile.set_commands(None, "", [{"command": "plain"}])
    profile.set_commands(None, "zh", [{"command": "zh"}])

    assert profile.commands_for(5, 5, "zh", kind="private", admin=False) == [{"command": "zh"}]
    assert profile.commands_for(5, 5, "ta", kind="private", admin=False) == [{"command": "plain"}]
    assert Profile().commands_for(5, 5, "ta", kind="private", admin=False) == []
