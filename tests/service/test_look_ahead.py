"""Tests of looking ahead: who goes first in a backlog, and that nothing that may wait in it does any harm."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.conversation import Before
from bot.domain.triage import Urgency
from bot.service import look_ahead
from bot.service.look_ahead import LookAhead, urgency_of
from bot.service.ports import Tools
from bot.storage import inbox, inbox_line
from bot.storage.database import Database
from bot.storage.inbox import Arrival
from tests.conftest import THURSDAY as NOW
from tests.kit.updates import MARK, scraps, updates

DANGER = "i cant breathe properly"
TODAY = "i have a fever of 38.5"
ODD = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def message(text: object, chat: object = 11, *, group: bool = False, kind: str = "message") -> dict[str, Any]:
    """Return a raw message."""
    where = {"id": chat, "type": "supergroup" if group else "private"}
    return {kind: {"message_id": 1, "date": 1, "chat": where, "from": {"id": 11}, "text": text}}


def tap(data: object, chat: int = 11, *, group: bool = False) -> dict[str, Any]:
    """Return a raw tap."""
    asked = message("How are you?", chat, group=group)["message"]
    return {"callback_query": {"id": "1", "from": {"id": 11}, "message": asked, "data": data}}


def store(database: Database, *raw: dict[str, Any], first: int = 1) -> None:
    """Store updates of chats 1001, 1002, …, under these numbers."""
    come = [
        Arrival(update_id=number, chat_id=1000 + number, payload=payload)
        for number, payload in enumerate(raw, first)
    ]
    database.call(inbox.store, come, NOW)


async def look(ahead: LookAhead) -> list[int]:
    """Look at everything, and return whose chats go first."""
    while await ahead.look(NOW):
        pass
    return list(ahead.first(()))


# --- what is urgent --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "urgency"),
    [
        (message(DANGER), Urgency.EMERGENCY),  # weak rules, and like known reports
        (message("my lips are blue and i cough up blood"), Urgency.EMERGENCY),
        (message(DANGER, kind="edited_message"), Urgency.EMERGENCY),  # corrected words count again
        ({"message": {"chat": {"id": 11}, "caption": DANGER, "photo": [{"file_id": "x"}]}}, Urgency.EMERGENCY),
        (message(TODAY), Urgency.SAME_DAY),
        (message(f"/start {DANGER}"), Urgency.EMERGENCY),
        (message("can i swim tomorrow?"), None),
        (message("does needling near the ribs make it hard to breathe"), None),  # only asked
        (message("there was a cramp so strong i gasped, over in a blink"), None),  # a weak rule, and nothing else
        (message(""), None),
        (message(DANGER, -5, group=True), None),  # talk of staff is not read for danger when it is handled either
        (message(DANGER, kind="channel_post"), None),
        (message(DANGER, "x"), None),
        (tap("ci:1:breathing:short"), Urgency.EMERGENCY),
        (tap("ci:1:soreness:9"), Urgency.SAME_DAY),
        (tap("ci:1:soreness:7"), None),
        (tap("ci:1:soreness:99"), None),
        (tap("ci:1:start"), None),
        (tap("ci:1:fix:soreness"), None),
        (tap("ci:1:nothing:9"), None),
        (tap("ci"), None),
        (tap("chk:breathing:yes"), Urgency.EMERGENCY),
        (tap("chk:breathing:no"), None),
        (tap("chk:nothing:yes"), None),
        (tap("chk:breathing:yes", -5, group=True), None),
        (tap("t:pain_during"), None),
        (tap(DANGER), None),
        (tap("al:1:ack", -5, group=True), Urgency.SAME_DAY),
        (tap("al:1:ack"), None),  # no staff group
        (tap("tr:1", -5, group=True), None),
        (message("thanks", -5, group=True), None),
    ],
)  # fmt: skip
def test_what_is_urgent(tools: Tools, raw: dict[str, Any], urgency: Urgency | None) -> None:
    """Words and taps that will be met as danger, and what staff tap under an alert; all else waits for its turn."""
    assert urgency_of(tools, 1, raw, NOW) is urgency


def test_a_typed_yes_is_as_good_as_a_tap(tools: Tools) -> None:
    """After "do you have this now?" it is danger; by itself, or in another chat, it is not."""
    assert urgency_of(tools, 1, message("Yes!"), NOW) is None

    tools.recent.remember(11, Before("check", ("breathing",), "odd air"), NOW)

    assert urgency_of(tools, 1, message("Yes!"), NOW) is Urgency.EMERGENCY
    assert urgency_of(tools, 1, message("No"), NOW) is None
    assert urgency_of(tools, 1, message("Yes!", 12), NOW) is None
    tools.recent.remember(11, Before("answer", ("breathing",), "odd air"), NOW)
    assert urgency_of(tools, 1, message("Yes!"), NOW) is None


@ODD
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(raw=st.one_of(updates, scraps))
def test_no_shape_of_an_update_is_too_odd(tools: Tools, raw: Any) -> None:
    """A look never fails: whatever JSON waits, it is urgent or it is not."""
    assert urgency_of(tools, 1, raw, NOW) in (None, Urgency.SAME_DAY, Urgency.EMERGENCY)


def test_endless_words_are_not_read_to_their_end(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telegram sends 4,096 characters at most; another server could send a book, and reading takes time."""
    read = []
    monkeypatch.setattr(look_ahead, "read_danger", lambda _library, _mind, words: read.append(len(words)))
    with pytest.raises(AttributeError):  # what stands in for reading returns nothing
        urgency_of(tools, 1, message(f"{DANGER} " * 100_000), NOW)

    assert read == [4096]


# --- who goes first --------------------------------------------------------------------------------------


async def test_the_most_urgent_goes_first_then_who_waits_longest(tools: Tools) -> None:
    """An emergency before what must be seen today; a chat is named once, and not while it is busy."""
    store(tools.database, message("hello"), message(TODAY), message(DANGER), message(TODAY), message(DANGER))
    store(tools.database, tap("al:1:ack", -5, group=True), first=6)
    again = Arrival(update_id=7, chat_id=1004, payload=message(DANGER))
    tools.database.call(inbox.store, [again], NOW)
    ahead = LookAhead(tools)

    assert await look(ahead) == [1003, 1005, 1004, 1002, 1006]
    places = {row.update_id: row.seq for row in tools.database.call(inbox_line.look_ahead, 0, ())}
    assert list(ahead.first({1003, 1004})) == [1005, 1002, 1006]
    assert ahead.first({1002, 1003, 1005}) == {1004: places[7], 1006: places[6]}  # up to its last sign


async def test_what_belongs_to_no_chat_is_nobodys(tools: Tools) -> None:
    """A chat that nobody could tell when it was stored has no line to go first in."""
    tools.database.call(inbox.store, [Arrival(update_id=1, chat_id=None, payload=message(DANGER))], NOW)

    assert await look(LookAhead(tools)) == []


async def test_only_so_many_go_first_at_a_time(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are in danger, the question to the database stays short."""
    monkeypatch.setattr(look_ahead, "MOST", 3)
    store(tools.database, *[message(DANGER)] * 5)
    again = Arrival(update_id=9, chat_id=1001, payload=message(DANGER))
    tools.database.call(inbox.store, [again], NOW)
    ahead = LookAhead(tools)

    assert await look(ahead) == [1001, 1002, 1003]
    newest = tools.database.call(inbox.by_id, 9)
    assert newest is not None
    assert ahead.first(())[1001] == newest.seq  # whoever is among them is so with all that is urgent


async def test_each_update_is_looked_at_once(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what comes later, and what waits for several pages; and what is kept of it does not grow."""
    seen = []
    monkeypatch.setattr(look_ahead, "urgency_of", lambda _tools, number, _raw, _now: seen.append(number))
    monkeypatch.setattr(inbox_line, "MARGIN", 20)
    count = 2 * inbox_line.LOOK + 5
    store(tools.database, *[message("hi")] * count)
    ahead = LookAhead(tools)
    assert [await ahead.look(NOW) for _ in range(3)] == [True, True, False]
    store(tools.database, message("hi"), first=count + 1)
    await look(ahead)
    await look(ahead)

    assert seen == list(range(1, count + 2))
    assert len(ahead._known) == 20


async def test_whoever_stored_it_it_is_found(tools: Tools) -> None:
    """A webhook on another machine stores as well: nothing but the database is looked at."""
    other = Database(tools.database.url)
    ahead = LookAhead(tools)
    store(other, message("hello"))
    assert await look(ahead) == []
    store(other, message(DANGER), first=2)
    other.close()

    assert await look(ahead) == [1002]


async def test_what_was_handled_is_forgotten_and_what_waits_is_not(tools: Tools) -> None:
    """A chat goes first until its danger has been handled: not by what came before, nor after it."""
    store(tools.database, message(DANGER), message(DANGER), message(DANGER))
    ahead = LookAhead(tools)
    assert await look(ahead) == [1001, 1002, 1003]

    # The first has another waiting, before its danger or this itself; the second has some behind it; the third is busy.
    ahead.forget_handled([1001, 1002], {1001: 1, 1002: 9})

    assert list(ahead.first(())) == [1001, 1003]
    ahead.forget_handled([1001, 1003], {})
    assert ahead.first(()) == {}


async def test_when_all_is_forgotten_it_begins_anew(tools: Tools) -> None:
    """SQLite counts from one again where all rows are gone."""
    ahead = LookAhead(tools)
    ahead._newest, ahead._known = 10_000, {10_000}
    store(tools.database, message(DANGER))
    assert await look(ahead) == []

    ahead.forget()

    assert await look(ahead) == [1001]


async def test_a_fault_keeps_nobody_else_waiting_and_no_words_get_into_a_log(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An update that cannot be looked at keeps its turn; the log says so once, without a word of it."""

    def reads(_tools: Tools, update_id: int, _raw: object, _now: object) -> Urgency | None:
        if update_id == 1:
            raise ValueError(MARK)
        return Urgency.SAME_DAY

    monkeypatch.setattr(look_ahead, "urgency_of", reads)
    store(tools.database, message(MARK), message(MARK))
    with caplog.at_level(logging.DEBUG):
        ahead = LookAhead(tools)
        assert await look(ahead) == await look(ahead) == [1002]

    assert [record.getMessage() for record in caplog.records if record.name.startswith("bot")] == [
        "An update could not be looked at: ValueError."
    ]
    assert MARK not in caplog.text
