"""What a patient is handed on paper: the invite's QR code, and a card to print."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.domain.message import plain
from bot.service.turn import Turn
from bot.storage.tables import CheckIn

_TEMPLATES = Environment(
    loader=PackageLoader("bot.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def qr_png(link: str) -> bytes:
    """Return *link* as a QR picture (PNG, about 500 pixels wide, 15 % of it may be smudged)."""
    picture = io.BytesIO()
    segno.make(link, error="m", micro=False).save(picture, kind="png", scale=12, border=4)
    return picture.getvalue()


def card_html(
    turn: Turn, label: str, link: str, code: str, expires_at: datetime, rows: Sequence[CheckIn]
) -> str:
    """Return a card as one HTML page that needs nothing else; it prints on A6."""
    words = turn.language
    return _TEMPLATES.get_template("card.html").render(
        lang=words.code,
        title=plain(turn.text("card_title")),
        lead=plain(turn.text("card_lead")),
        steps=[
            plain(turn.text(f"card_step_{number}", code=code, bot=_bot_name(link))) for number in (1, 2, 3)
        ],
        qr=segno.make(link, error="m", micro=False).svg_inline(scale=4, border=0, omitsize=True),
        dues=[
            f"{words.steps[row.step].title}: {turn.date(row.due_at)}"
            for row in rows
            if row.step in words.steps
        ],
        dues_head=plain(turn.text("card_dues")),
        danger=plain(turn.text("card_danger")),
        foot=plain(turn.text("card_foot", label=label, until=turn.date(expires_at))),
    )


def _bot_name(link: str) -> str:
    """Return "@name" of the bot that *link* leads to."""
    return "@" + link.partition("t.me/")[2].partition("?")[0]
