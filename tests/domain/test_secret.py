"""Tests of the webhook's secret: the same everywhere, and of no use against the token."""

from __future__ import annotations

import re

from bot.domain.secret import secret_for

TOKEN = "1234567890:AAabcdefghijklmnopqrstuvwxyz_-01234"


def test_every_replica_has_the_same_secret() -> None:
    """It hangs on the token only; the value is fixed, or an update of the program would lock Telegram out."""
    assert secret_for(TOKEN) == "2766ceffc0639a86f123b1a617d5a5188623bb5b24853873db52ba3eef821c50"


def test_another_token_has_another_secret() -> None:
    """A token that was revoked takes its secret with it."""
    assert secret_for(TOKEN) != secret_for(TOKEN + "x")


def test_telegram_accepts_it() -> None:
    """1–256 of the characters that setWebhook allows."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret_for(TOKEN))
