"""Tests of `bot.matching.model`: what was learned, kept in a file and read back; broken files do no harm."""

from __future__ import annotations

import io
import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.matching.matcher import Matcher
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable
from tests.kit.museum import ASKS, SYNONYMS, TALK, UNRELATED

OTHER_LINES = (
    "may i bring two dogs",
    "wehn do you opne",
    "lorry",
    "",
    "😀",
    "the price of a violin",
    "车",
    "a" * 4096,
)


@pytest.fixture(scope="module")
def kept(model: Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The museum's model as a file."""
    path = tmp_path_factory.mktemp("kept") / "museum.npz"
    model.save(path)
    return path.read_bytes()


def archive(**arrays: object) -> bytes:
    """Return the bytes of an archive of arrays."""
    file = io.BytesIO()
    kept: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez(file, **kept)
    return file.getvalue()


def names_only(names: object) -> bytes:
    """Return an archive whose names are *names*, and nothing else."""
    return archive(names=np.frombuffer(json.dumps(names).encode(), dtype=np.uint8))


def changed(kept: bytes, **change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Return the file with some of its arrays changed."""
    with np.load(io.BytesIO(kept)) as arrays:
        return archive(**{name: change.get(name, np.asarray)(arrays[name]) for name in arrays.files})


# --- saved and read back ------------------------------------------------------------------------------------


def test_what_was_kept_decides_as_what_was_learned(
    model: Model, matcher: Matcher, table: WordTable, tmp_path: Path
) -> None:
    """After a restart the bot answers as before; only the last digits are rounded."""
    path = tmp_path / "new" / "folder" / "museum.npz"
    model.save(path)
    again = Model.load(path, table)
    other = Matcher(again, Reader(again.counts, SYNONYMS, table.knows))
    lines = [*(ask for asks in ASKS.values() for ask in asks), *TALK, *UNRELATED, *OTHER_LINES]
    for line in lines:
        before, after = matcher.decide(line), other.decide(line)
        assert (after.answer, after.offers, after.talk) == (before.answer, before.offers, before.talk)
        assert after.confidence == pytest.approx(before.confidence, abs=0.02)
        assert [guess.nearest for guess in after.guesses[:1]] == [
            guess.nearest for guess in before.guesses[:1]
        ]
    assert other.survey() == matcher.survey()
    assert again.calibration == model.calibration
    assert again.counts == model.counts


def test_nothing_but_the_file_is_left_behind(model: Model, tmp_path: Path) -> None:
    """Saving twice leaves one file, and it is the second."""
    path = tmp_path / "museum.npz"
    path.write_bytes(b"old")
    model.save(path)
    assert [found.name for found in tmp_path.iterdir()] == ["museum.npz"]
    assert path.read_bytes() != b"old"


def test_the_same_model_makes_the_same_file(model: Model, kept: bytes, tmp_path: Path) -> None:
    """Two processes that keep the same words at the same time do not spoil each other's file."""
    model.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == kept


def test_a_file_is_whole_or_the_old_one_stays(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full halfway through, what was there before is still there, and no half file takes up space."""
    path = tmp_path / "museum.npz"
    path.write_bytes(b"old")

    def full(file: io.BufferedWriter, **_arrays: object) -> None:
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert [found.name for found in tmp_path.iterdir()] == ["museum.npz"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_a_file_is_an_os_error(model: Model, tmp_path: Path) -> None:
    """Whoever cannot keep it must be able to go on without."""
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OSError, match="cache"):
        model.save(tmp_path / "cache" / "museum.npz")


# --- broken files -------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_an_os_error(table: WordTable, tmp_path: Path) -> None:
    """Nor can a folder be read."""
    with pytest.raises(FileNotFoundError):
        Model.load(tmp_path / "none.npz", table)
    with pytest.raises(OSError, match=str(tmp_path)):
        Model.load(tmp_path, table)


def saved_array() -> bytes:
    """Return a lone array, which is no archive."""
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04 but no archive",
        saved_array(),
        pickle.dumps([1, 2]),
        archive(x=[1]),  # another program's
        archive(names=[1.5, 2.5]),
        archive(names=np.frombuffer(b"{no json", dtype=np.uint8)),
        archive(names=np.frombuffer(b"\xff\xfe\xff", dtype=np.uint8)),
        names_only({}),
        names_only([]),
        names_only(3),
        names_only(None),
        names_only({"calibration": 3}),
        names_only({"calibration": {}, "words": [], "letters": []}),
    ],
)
def test_a_foreign_file_is_a_value_error(content: bytes, table: WordTable, tmp_path: Path) -> None:
    """Whatever it is, there is one error to catch, and it names the file."""
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign\.npz"):
        Model.load(path, table)


def test_a_truncated_file_is_a_value_error(kept: bytes, table: WordTable, tmp_path: Path) -> None:
    """However much of it is missing."""
    path = tmp_path / "cut.npz"
    for length in {*range(0, len(kept), len(kept) // 40), len(kept) - 1}:
        path.write_bytes(kept[:length])
        with pytest.raises(ValueError, match=r"cut\.npz"):
            Model.load(path, table)


def test_a_damaged_file_is_a_value_error_or_does_no_harm(
    model: Model, kept: bytes, table: WordTable, tmp_path: Path
) -> None:
    """A bit that falls over is noticed, unless it stands where nothing is read, such as a date."""
    path = tmp_path / "damaged.npz"
    chance = random.Random(7)
    refused = 0
    for _ in range(150):
        at = chance.randrange(len(kept))
        path.write_bytes(kept[:at] + bytes([kept[at] ^ 1 << chance.randrange(8)]) + kept[at + 1 :])
        try:
            found = Model.load(path, table)
        except ValueError:
            refused += 1
            continue
        assert found.phrasings.text == model.phrasings.text
        assert np.array_equal(found.classifier.bias, model.classifier.bias)
    assert refused > 100


def test_a_file_without_one_of_its_parts_is_a_value_error(
    kept: bytes, table: WordTable, tmp_path: Path
) -> None:
    """An older version kept less."""
    path = tmp_path / "old.npz"
    with np.load(io.BytesIO(kept)) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    for name in parts:
        path.write_bytes(archive(**{other: part for other, part in parts.items() if other != name}))
        with pytest.raises(ValueError, match=r"old\.npz"):
            Model.load(path, table)


@pytest.mark.parametrize(
    "name",
    [
        "words_idf",
        "letters_idf",
        "centre",
        "ngrams",
        "place_weights",
        "bias",
        "starts",
        "places",
        "at",
        "first",
        "outright",
        "twin",
    ],
)
def test_parts_that_do_not_fit_together_are_a_value_error(
    name: str, kept: bytes, table: WordTable, tmp_path: Path
) -> None:
    """It is better to learn again than to fail at a patient's message."""
    path = tmp_path / "mixed.npz"
    path.write_bytes(changed(kept, **{name: lambda array: array[:-1]}))
    with pytest.raises(ValueError, match=r"mixed\.npz"):
        Model.load(path, table)


def test_a_model_of_another_table_is_a_value_error(kept: bytes, tmp_path: Path) -> None:
    """A table with fewer numbers has other places."""
    path = tmp_path / "museum.npz"
    path.write_bytes(kept)
    narrow = WordTable(["dog"], np.ones((1, 3), dtype=np.int8), np.ones(1, dtype=np.float16))
    with pytest.raises(ValueError, match="another table"):
        Model.load(path, narrow)


# --- what it knows ------------------------------------------------------------------------------------------


def test_every_line_knows_its_group(model: Model) -> None:
    """Also the first and the last of each."""
    phrasings = model.phrasings
    for number, line in enumerate(phrasings.text):
        group = phrasings.groups[phrasings.group_of(number)]
        assert line in {**ASKS, "~talk": TALK, "~none": UNRELATED}[group]


def test_a_line_is_nearest_to_itself(model: Model) -> None:
    """In words: 1 for the same words, 0 for none in common; by group, the best of its lines."""
    seen = model.features.see(["where", "can", "i", "park"])
    near = model.phrasings.near_words(seen)
    assert model.phrasings.text[int(near.argmax())] == "where can i park"
    assert near.max() == pytest.approx(1, abs=1e-5)
    assert near[model.phrasings.text.index("how do volcanoes erupt")] == 0
    by_group = dict(zip(model.phrasings.groups, model.phrasings.by_group(near), strict=True))
    assert max(by_group, key=lambda group: float(by_group[group])) == "parking"


def test_strange_words_do_not_bring_a_line_nearer(model: Model) -> None:
    """Nearness is measured in the words that the FAQ knows; a line of none is near to nothing."""
    assert not model.phrasings.near_words(model.features.see(["zzyzx"])).any()
    assert not model.phrasings.near_words(model.features.see([])).any()


def test_the_words_of_all_lines_are_counted(model: Model) -> None:
    """The speller prefers the commonest."""
    assert model.counts["dog"] == sum(ask.split().count("dog") for ask in ASKS["dogs"])
    assert model.counts["volcanoes"] == 1
    assert "zzyzx" not in model.counts
