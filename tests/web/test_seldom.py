"""Tests of lines that are held back: one a minute and kind, and none of them uncounted."""

from __future__ import annotations

from bot.web.seldom import PAUSE, Seldom


class Watch:
    """A clock turned by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_the_first_is_written_and_the_others_are_counted() -> None:
    """After the pause the next line says how many were held back; then counting begins anew."""
    watch = Watch()
    seldom = Seldom(watch)

    assert [seldom.turn("scan") for _ in range(4)] == [0, None, None, None]
    watch.at += PAUSE - 1
    assert seldom.turn("scan") is None
    watch.at += 1
    assert [seldom.turn("scan"), seldom.turn("scan")] == [4, None]
    watch.at += PAUSE
    assert seldom.turn("scan") == 1


def test_one_kind_does_not_silence_another() -> None:
    """A scanner must not hide that the database is gone."""
    seldom = Seldom(lambda: 0.0)
    seldom.turn("scan")

    assert seldom.turn("disk") == 0
