"""Tests of what a patient is handed on paper."""

from __future__ import annotations

from bot.service.card import card_html, qr_png
from bot.service.turn import Turn
from tests.kit.story import GROUP, Story

LINK = "https://t.me/aftercare_test_bot?start=ABCDEFGHJKMNPQRSTVWXYZ0123"


def test_the_qr_picture_is_a_png_of_some_size() -> None:
    """It can be scanned from a screen across a desk."""
    picture = qr_png(LINK)

    width = int.from_bytes(picture[16:20], "big")
    assert picture.startswith(b"\x89PNG")
    assert width >= 400


async def test_the_card_needs_nothing_else_and_hides_nothing(story: Story) -> None:
    """One HTML page: the QR code, the steps, the moments, the danger line; a hostile label stays a text."""
    done = story.registers("<script>A&1")
    turn = Turn.with_group(story.tools.database._session(), story.tools, GROUP, "main", story.now)
    page = card_html(turn, "<script>A&1", LINK, done.code, done.expires_at, done.check_ins)

    assert "<svg" in page
    assert done.code in page
    assert "Fri 20 Nov at 15:00" in page
    assert "@aftercare_test_bot" in page
    assert "Call 995 at once" in page
    assert "<script>" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
