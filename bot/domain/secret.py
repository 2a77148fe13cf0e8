"""The webhook's secret: made from the bot's token, so that nobody has to set one and all replicas agree."""

from __future__ import annotations

import hashlib
import hmac

#: What the secret is for; another label gives another secret.
_LABEL = b"aftercare webhook secret 1"


def secret_for(token: str) -> str:
    """Return the word by which Telegram shows that a request is its own: 64 hexadecimal digits (HMAC-SHA256).

    It tells nothing about the token, and changes with it. Telegram takes 1–256 letters, digits, ``_`` and ``-``.
    """
    return hmac.new(token.encode(), _LABEL, hashlib.sha256).hexdigest()
