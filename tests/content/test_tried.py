"""Tests of `bot.content.tried`: an unchanged file is not tried again, a changed one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.loading import load_library
from bot.content.red_flags import RedFlagsFile
from bot.content.tried import Tried
from bot.content.yaml_source import Faults
from bot.domain.triage import Urgency
from tests.kit.faq_folder import FaqFolder

FLAGS = RedFlagsFile()
URGENCIES = {"brain": Urgency.EMERGENCY}


def test_what_was_tried_is_remembered_in_the_cache(tmp_path: Path) -> None:
    """The mark is for these very flags, urgencies and places."""
    tried = Tried(tmp_path / "cache", FLAGS, URGENCIES, ["neck"])
    assert not tried.before
    tried.remember()
    assert Tried(tmp_path / "cache", FLAGS, URGENCIES, ["neck"]).before
    assert not Tried(tmp_path / "cache", FLAGS, URGENCIES, ["calf"]).before
    assert not Tried(tmp_path / "cache", FLAGS, {"brain": Urgency.SAME_DAY}, ["neck"]).before
    assert not Tried(tmp_path / "cache", RedFlagsFile(fillers=("so",)), URGENCIES, ["neck"]).before


def test_without_a_cache_nothing_is_remembered(tmp_path: Path) -> None:
    """Nor where the folder cannot be made: it is tried again next time."""
    for cache in (None, tmp_path / "a file" / "below"):
        (tmp_path / "a file").touch()
        tried = Tried(cache, FLAGS, URGENCIES, [])
        tried.remember()
        assert not tried.before


def test_examples_are_tried_again_once_the_words_change(tmp_path: Path) -> None:
    """A mark never hides a fault that came later; a file with a fault gets no mark."""
    faq = FaqFolder(tmp_path, small=True)
    cache = tmp_path / "cache"

    def load() -> None:
        load_library(faq.settings(), faq.folder, cache=cache)

    load()
    assert len(list(cache.glob("*.tried"))) == 1
    faq.own("en/red_flags.yaml", "red_flags: {brain: {examples: [the moon is made of cheese]}}\n")
    for _ in range(2):
        with pytest.raises(Faults, match="moon is made of cheese"):
            load()
    assert len(list(cache.glob("*.tried"))) == 1
