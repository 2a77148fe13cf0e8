"""Tests of learning: what was learned is kept by its content, and no trouble with the cache ever stops the bot."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot import learning
from bot.content.library import Language, Library
from bot.learning import cache_folder, minds_for
from bot.matching.lessons import Lessons
from bot.matching.mind import Mind
from bot.matching.model import Model
from bot.matching.vectors import WordTable
from tests.kit.faq_folder import FaqFolder

#: Of the small content: its own phrasings, something near, small talk, and what is none of it.
LINES = ("money one", "what about money", "hello", "zxqv blorf", "")


@pytest.fixture
def faq(tmp_path: Path) -> FaqFolder:
    """Give a small folder of this test's own: it is learned in a moment."""
    return FaqFolder(tmp_path, small=True)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Name a folder that is not there yet."""
    return tmp_path / "kept" / "here"


def files_in(cache: Path) -> set[str]:
    """Return the names of what is kept."""
    return {path.name for path in cache.iterdir()}


def decisions(minds: dict[str, Mind]) -> list[object]:
    """Return what is decided about some lines; how sure it is, only to two places (a file keeps fewer digits)."""
    found = [minds["en"].topics.decide(line) for line in LINES]
    return [(it.answer, it.offers, it.talk, round(it.confidence, 2)) for it in found]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_the_small_content_is_learned(faq: FaqFolder) -> None:
    """The other tests look at something: a phrasing is answered, small talk is small talk, the rest is neither."""
    money, _near, hello, strange, _empty = [minds_for(faq.load())["en"].topics.decide(line) for line in LINES]

    assert money.answer == "cost_insurance"
    assert (hello.answer, hello.talk) == (None, "hello")
    assert strange.answer is None


def test_a_second_time_it_is_read_from_the_cache_and_decides_the_same(faq: FaqFolder, cache: Path) -> None:
    """The file is made once, is not written again, and brings back the same mind."""
    library = faq.load()
    first = minds_for(library, cache)
    (kept,) = cache.iterdir()
    os.utime(kept, (1, 1))
    second = minds_for(library, cache)

    assert files_in(cache) == {kept.name}
    assert kept.stat().st_mtime == 1
    assert decisions(second) == decisions(first) == decisions(minds_for(library))


def test_what_is_in_the_cache_is_what_is_used(faq: FaqFolder, cache: Path, tmp_path: Path) -> None:
    """A mind that was learned of other words, under this content's name, is believed: the file is really read."""
    other = FaqFolder(tmp_path / "other", small=True)
    other.change("en/small_talk.yaml", "asks: [hi, hello]", "asks: [hi, zxqv blorf]")
    minds_for(other.load(), cache)
    minds_for(faq.load(), tmp_path / "mine")
    (theirs,), (mine,) = cache.iterdir(), (tmp_path / "mine").iterdir()
    mine.write_bytes(theirs.read_bytes())

    assert minds_for(faq.load(), tmp_path / "mine")["en"].topics.decide("zxqv blorf").talk == "zxqv blorf"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("en/clinic.yaml", "money eight", "money nine"),
        ("en/small_talk.yaml", "asks: [thanks]", "asks: [thanks, ta]"),
        ("en/unrelated.yaml", "", "unrelated: [where is the moon]"),
    ],
)
def test_another_word_makes_another_file(faq: FaqFolder, cache: Path, name: str, old: str, new: str) -> None:
    """What is learned from is what names the file; the old one stays for whoever goes back."""
    minds_for(faq.load(), cache)
    before = files_in(cache)
    if old:
        faq.change(name, old, new)
    else:
        faq.write(name, new)
    minds_for(faq.load(), cache)

    assert len(files_in(cache)) == 2
    assert before < files_in(cache)


def test_an_answer_or_a_reply_is_nothing_to_learn_from(faq: FaqFolder, cache: Path) -> None:
    """Rewriting what the bot says needs no learning anew."""
    minds_for(faq.load(), cache)
    before = files_in(cache)
    faq.change("en/clinic.yaml", "answer: Ask {clinic.name}.", "answer: Call us.")
    faq.change("en/small_talk.yaml", "reply: Welcome.", "reply: Any time.")
    minds_for(faq.load(), cache)

    assert files_in(cache) == before


def test_a_clinics_own_phrasing_is_learned_anew_though_the_words_are_the_same(
    faq: FaqFolder, cache: Path
) -> None:
    """A line counts more when it is the clinic's own, so it is another thing to learn."""
    faq.change("en/clinic.yaml", ", money eight]", "]")
    faq.change("en/clinic.yaml", "asks: [money one", "asks: [money zero, money one")
    faq.own("en/more.yaml", "topics: {cost_insurance: {asks: [money eight]}}\n")
    library = faq.load()
    language = library.languages["en"]
    topic = language.topics["cost_insurance"]
    ours = replace(topic, own_asks=frozenset())
    minds_for(library, cache)
    minds_for(with_language(library, replace(language, topics={"cost_insurance": ours})), cache)

    assert topic.own_asks == {"money eight"}
    assert len(files_in(cache)) == 2


@pytest.mark.parametrize("broken", ["empty", "no archive", "cut off", "flipped", "another archive"])
def test_a_broken_file_is_learned_anew_with_a_warning(
    faq: FaqFolder, cache: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """However it is broken, the bot starts, says so, and keeps a whole file again."""
    library = faq.load()
    whole = decisions(minds_for(library, cache))
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    middle = len(content) // 2
    kept.write_bytes(
        {
            "empty": b"",
            "no archive": b"this is no archive at all",
            "cut off": content[:middle],
            "flipped": content[:middle] + bytes(255 - byte for byte in content[middle : middle + 2000]) + content[middle + 2000 :],
            "another archive": b"PK\x05\x06" + bytes(18),
        }[broken]
    )  # fmt: skip

    assert decisions(minds_for(library, cache)) == whole
    (warning,) = warnings(caplog)
    assert "cannot be read" in warning
    assert "learning it again" in warning
    caplog.clear()
    assert decisions(minds_for(library, cache)) == whole
    assert warnings(caplog) == []


def test_a_folder_that_cannot_be_written_is_only_warned_of(
    faq: FaqFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file stands where the folder should be: the bot knows all the same, and says which folder it is."""
    (tmp_path / "file").write_text("I am no folder")
    minds = minds_for(faq.load(), tmp_path / "file" / "cache")

    assert minds["en"].topics.decide("money one").answer == "cost_insurance"
    assert any("cannot be kept in" in text and "file/cache" in text for text in warnings(caplog))


def test_without_a_folder_nothing_is_kept(
    faq: FaqFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written anywhere, not even where a cache would be."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    minds_for(faq.load())

    assert not (tmp_path / "xdg").exists()
    assert not (tmp_path / "home").exists()
    assert warnings(caplog) == []


def test_old_files_are_forgotten(faq: FaqFolder, cache: Path) -> None:
    """Each change of a word makes a new file; only the newest twelve are kept, and other files are left alone."""
    cache.mkdir(parents=True)
    (cache / "notes.txt").write_text("not ours")
    for number in range(15):
        (cache / f"old{number:02}.npz").write_bytes(b"")
        os.utime(cache / f"old{number:02}.npz", (1000 + number, 1000 + number))
    minds_for(faq.load(), cache)

    kept = {path.name for path in cache.glob("*.npz")}
    assert {name for name in kept if name.startswith("old")} == {
        f"old{number:02}.npz" for number in range(4, 15)
    }
    assert len(kept) == 12
    assert (cache / "notes.txt").exists()


def test_each_language_is_learned_by_itself(faq: FaqFolder, cache: Path) -> None:
    """Two languages have two minds and two files."""
    faq.speak("xx")
    faq.change("xx/clinic.yaml", "money one", "geld eins")
    minds = minds_for(faq.load("en", "xx"), cache)

    assert set(minds) == {"en", "xx"}
    assert len(files_in(cache)) == 2
    assert minds["xx"].topics.decide("geld eins").answer == "cost_insurance"


# --- a second opinion on danger -----------------------------------------------------------------------------


def with_language(library: Library, language: Language) -> Library:
    """Return the library with another English."""
    return replace(library, languages={"en": language})


def with_examples(faq: FaqFolder, count: int) -> Library:
    """Return the small library with so many lines that report a red flag, half of them each."""
    library = faq.load()
    half = count // 2
    lines = {
        "breathing": tuple(f"my breath number {n} is short" for n in range(half)),
        "skin": tuple(f"my skin spot {n} is on fire" for n in range(count - half)),
    }
    harmless = tuple(f"my shoe number {n} is brown" for n in range(30))
    return with_language(
        library, replace(library.languages["en"], danger_lines=lines, harmless_lines=harmless)
    )


def test_too_few_examples_of_danger_give_no_second_opinion(faq: FaqFolder) -> None:
    """With a handful of lines there is nothing to learn from: the rules alone decide."""
    mind = minds_for(with_examples(faq, 39))["en"]

    assert mind.danger is None
    assert mind.on_danger("my breath number 3 is short") is None
    assert minds_for(faq.load())["en"].danger is None


def test_enough_examples_give_a_second_opinion(faq: FaqFolder, cache: Path) -> None:
    """A line like the reports of one red flag is suspected of it; a harmless one and a question of money are not."""
    library = with_examples(faq, 40)
    for minds in (minds_for(library, cache), minds_for(library, cache)):
        mind = minds["en"]
        breath, shoe, money = (
            mind.on_danger(line)
            for line in ("my breath number 3 is short", "my shoe number 3 is brown", "money one")
        )
        assert breath is not None
        assert shoe is not None
        assert money is not None
        assert (breath.first.topic, breath.first.nearest) == ("breathing", "my breath number 3 is short")
        assert (breath.possible, breath.sure) == (True, True)
        assert (shoe.sure, money.sure) == (False, False)
        assert max(shoe.likely, money.likely) < breath.likely <= 1
    assert len(files_in(cache)) == 2  # the topics, and the danger


def learned_here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the number of topics whenever lessons are learned in this process."""
    counts: list[int] = []
    learn = learning._learn

    def counted(lessons: Lessons, table: WordTable) -> Model:
        counts.append(len(lessons.asks))
        return learn(lessons, table)

    monkeypatch.setattr(learning, "_learn", counted)
    return counts


def test_the_danger_is_learned_beside_the_topics(
    faq: FaqFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process learns it meanwhile; the outcome is the same as if it had been learned here."""
    library = with_examples(faq, 60)
    counts = learned_here(monkeypatch)
    apart = minds_for(library, cache)["en"].on_danger("my breath number 3 is short")
    assert counts == [1]  # the topics of the small content; the danger came from the other process

    here = minds_for(library)["en"].on_danger("my breath number 3 is short")
    assert counts == [1, 1, 2]
    assert apart is not None
    assert here is not None
    assert apart.first.topic == here.first.topic
    assert apart.likely == pytest.approx(here.likely, abs=0.02)


@pytest.mark.parametrize("python", ["/bin/false", "/no/such/python"])
def test_if_the_other_process_fails_the_danger_is_learned_here(
    faq: FaqFolder, cache: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    """A system that lets nobody start a second Python still gets a second opinion."""
    counts = learned_here(monkeypatch)
    monkeypatch.setattr("bot.learning.sys.executable", python)
    mind = minds_for(with_examples(faq, 60), cache)["en"]

    assert counts == [1, 2]
    assert mind.on_danger("my breath number 3 is short") is not None


# --- where it is kept ---------------------------------------------------------------------------------------


def test_the_settings_name_the_folder_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clinic's own word counts before the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")

    assert cache_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("xdg", "folder"), [("/xdg", "/xdg/aftercare"), ("", "/home/a/.cache/aftercare"), (None, "/home/a/.cache/aftercare")]
)  # fmt: skip
def test_else_it_is_the_users_own_cache(
    monkeypatch: pytest.MonkeyPatch, xdg: str | None, folder: str
) -> None:
    """XDG_CACHE_HOME, if it is set to something; else .cache at home."""
    monkeypatch.setenv("HOME", "/home/a")
    if xdg is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)

    assert cache_folder(None) == Path(folder)
