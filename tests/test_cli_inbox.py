"""Tests of `aftercare inbox`: what could not be handled is listed without words, put back in line, or dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import terminal
from bot.storage import groups, inbox, inbox_line, patients, treatments
from bot.storage.database import Database, Session
from bot.storage.inbox import Arrival, InboxState
from tests.kit.command import aftercare

NOW = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
WORDS = "zxqv my own words"
ANA, BEN, GROUP = 11, 12, -100


@pytest.fixture
def database(clinic: Path) -> Iterator[Database]:
    """The database of the clinic in whose folder commands run, with one patient and a staff group."""
    database = Database(f"sqlite:///{clinic / 'aftercare.db'}")
    database.migrate()

    def people(session: Session) -> None:
        ana = patients.agree(session, chat_id=ANA, name="Ana", language="en", branch_id="main", now=NOW)
        treatment = treatments.add(
            session,
            branch_id="main",
            label="A1023",
            treated_at=NOW,
            regions=["neck"],
            plan="standard",
            by="Eva",
            now=NOW,
        )
        treatment.patient_id = ana.id
        groups.bind(session, "main", GROUP, "Staff", "Eva", NOW)

    database.call(people)
    yield database
    database.close()


def arrives(database: Database, update_id: int, chat: int | None, *, failures: int = 0) -> None:
    """Store a message, and let handling it fail so often."""
    payload = {"update_id": update_id, "message": {"text": WORDS, "chat": {"id": chat}, "silent": True}}
    database.call(inbox.store, [Arrival(update_id=update_id, chat_id=chat, payload=payload)], NOW)
    for _ in range(failures):
        database.call(inbox.failed, update_id, "KeyError", NOW)


def listed() -> list[dict[str, Any]]:
    """Return what the command lists."""
    found: list[dict[str, Any]] = json.loads(aftercare("inbox", "--json").output)
    return found


def state(database: Database, update_id: int) -> tuple[str, int, Any]:
    """Return how an update stands: its state, its tries, and what is left of its words."""

    def look(session: Session) -> tuple[str, int, Any]:
        row = inbox.by_id(session, update_id)
        assert row is not None
        return row.state, row.attempts, row.payload and row.payload["message"]["text"]

    return database.call(look)


# --- looking ---------------------------------------------------------------------------------------------


def test_what_failed_is_listed_without_anybodys_words(database: Database) -> None:
    """Parked and waiting for another try; a patient by the clinic's own label; what is in order is left out."""
    arrives(database, 1, ANA, failures=4)
    arrives(database, 2, BEN, failures=2)
    arrives(database, 3, GROUP, failures=4)
    arrives(database, 4, -7, failures=4)
    arrives(database, 5, None, failures=4)
    arrives(database, 6, ANA)

    rows = listed()

    assert [(row["number"], row["from"], row["state"], row["tries"]) for row in rows] == [
        (1, "A1023", "parked", 4),
        (2, "stranger", "waiting", 2),
        (3, "staff group of main", "parked", 4),
        (4, "group", "parked", 4),
        (5, "no chat", "parked", 4),
    ]
    assert rows[0]["what"] == "message"
    assert rows[0]["error"] == "KeyError"
    assert rows[0]["arrived_at"] == "2026-11-19T07:00:00+00:00"
    assert rows[0]["arrived_at_local"] == "2026-11-19T15:00:00+08:00"
    assert rows[1]["again_at"] == (NOW + timedelta(seconds=10)).isoformat()
    for told in (aftercare("inbox").output, aftercare("inbox", "list").output):
        assert "A1023" in told
        assert "again 15:00:10" in told
        assert "Thu 19 Nov 15:00:00" in told
        assert WORDS not in told


def test_on_a_narrow_terminal_a_moment_stays_in_one_piece(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 columns, as a console without a screen has: names may wrap, what time it was may not."""
    arrives(database, 1, BEN, failures=2)
    arrives(database, 2, GROUP, failures=4)
    monkeypatch.setattr(terminal.out, "width", 80)

    told = aftercare("inbox").output

    assert max(len(line) for line in told.splitlines()) <= 80
    assert "Thu 19 Nov 15:00:00" in told
    assert "again 15:00:10" in told


def test_an_inbox_in_order_is_said_to_be(database: Database) -> None:
    """A sentence for people, an empty list for programs."""
    arrives(database, 1, ANA)

    assert "Nothing is parked" in aftercare("inbox").output
    assert listed() == []


def test_one_is_shown_by_what_it_is_made_of(database: Database) -> None:
    """Every field with its kind: enough to see what is odd about it, without what the person wrote."""
    arrives(database, 1, ANA, failures=4)

    told = aftercare("inbox", "show", "1").output
    assert "A1023" in told
    assert "KeyError" in told
    assert WORDS not in told
    shown = json.loads(aftercare("inbox", "show", "1", "--json").output)
    assert shown["update"] == {
        "update_id": "number",
        "message": {"text": f"text of {len(WORDS)}", "chat": {"id": "number"}, "silent": True},
    }


def test_the_words_are_shown_on_request(database: Database) -> None:
    """All of the update, as Telegram gave it."""
    arrives(database, 1, ANA, failures=4)

    assert WORDS in aftercare("inbox", "show", "1", "--words").output
    shown = json.loads(aftercare("inbox", "show", "1", "--words", "--json").output)
    assert shown["update"]["message"]["text"] == WORDS


def test_erased_words_are_said_to_be_erased(database: Database) -> None:
    """An update that was handled has its number only."""
    arrives(database, 1, BEN)
    database.call(inbox.finish, 1, NOW, keep_words=False)

    told = aftercare("inbox", "show", "1", "--words").output

    assert "Its words have been erased" in told
    assert "done" in told


# --- changing --------------------------------------------------------------------------------------------


def test_a_parked_update_is_put_back_in_line(database: Database) -> None:
    """As if it had never been tried: it has all its tries again, and is the next of its chat."""
    arrives(database, 1, ANA, failures=4)
    arrives(database, 2, ANA)

    result = aftercare("inbox", "retry", "1")

    assert (result.exit_code, result.output) == (0, "Back in line: 1.\n")
    assert state(database, 1) == (InboxState.WAITING, 0, WORDS)
    assert [row.update_id for row in database.call(inbox_line.next_batch, NOW, limit=9)] == [1]
    assert listed() == []


def test_all_that_are_parked_are_put_back(database: Database) -> None:
    """Those that wait for another try anyway keep their place and their tries."""
    for number in (1, 2):
        arrives(database, number, ANA, failures=4)
    arrives(database, 3, BEN, failures=1)

    assert "Back in line: 2." in aftercare("inbox", "retry", "--all").output

    assert [(row["number"], row["tries"]) for row in listed()] == [(3, 1)]
    assert "Nothing is parked" in aftercare("inbox", "retry", "--all").output


def test_dropping_asks_first(database: Database) -> None:
    """A no leaves everything as it is."""
    arrives(database, 1, ANA, failures=4)

    assert aftercare("inbox", "drop", "1", answers="n\n").exit_code != 0
    assert state(database, 1) == (InboxState.PARKED, 4, WORDS)

    assert "Dropped: 1" in aftercare("inbox", "drop", "1", answers="y\n").output
    assert state(database, 1)[::2] == (InboxState.DONE, None)


def test_all_that_are_parked_are_dropped(database: Database) -> None:
    """What waits for another try is spared, unless it is named."""
    arrives(database, 1, ANA, failures=4)
    arrives(database, 2, BEN, failures=1)
    arrives(database, 3, BEN)

    assert "Dropped: 1" in aftercare("inbox", "drop", "--all", "--yes").output
    assert [state(database, number)[0] for number in (1, 2, 3)] == ["done", "waiting", "waiting"]
    assert "Nothing is parked" in aftercare("inbox", "drop", "--all", "--yes").output

    assert "Dropped: 1" in aftercare("inbox", "drop", "2", "--yes").output
    assert state(database, 2)[::2] == (InboxState.DONE, None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "9"], "There is no update with the number 9. See: aftercare inbox"),
        (["retry", "9"], "There is no update with the number 9"),
        (["drop", "9", "--yes"], "There is no update with the number 9"),
        (["retry", "1"], "Update 1 is not parked: it has been handled."),
        (["retry", "2"], "Update 2 is not parked: it waits for another try."),
        (["retry", "3"], "Update 3 is not parked: it waits to be handled."),
        (["drop", "1", "--yes"], "Update 1 has not failed: it has been handled."),
        (["drop", "3", "--yes"], "Update 3 has not failed: it waits to be handled."),
        (["retry"], "Name one update by its number, or all that are parked by --all"),
        (["retry", "2", "--all"], "one of the two"),
        (["drop"], "Name one update by its number, or all that are parked by --all"),
        (["drop", "2", "--all", "--yes"], "one of the two"),
    ],
)
def test_a_wrong_number_is_one_clear_sentence(database: Database, words: list[str], told: str) -> None:
    """It says what is the matter, and nothing is changed."""
    arrives(database, 1, ANA)
    database.call(inbox.finish, 1, NOW, keep_words=True)
    arrives(database, 2, BEN, failures=1)
    arrives(database, 3, BEN)

    result = aftercare("inbox", *words)

    assert result.exit_code == 1
    assert told in " ".join(result.output.split())
    assert [state(database, number) for number in (1, 2, 3)] == [
        (InboxState.DONE, 0, WORDS),
        (InboxState.WAITING, 1, WORDS),
        (InboxState.WAITING, 0, WORDS),
    ]


def test_another_word_is_no_command(database: Database) -> None:
    """A slip is not taken for the list."""
    result = aftercare("inbox", "lsit")

    assert result.exit_code != 0
    assert "No such command 'lsit'" in result.output


@pytest.mark.parametrize("command", ["list", "show", "retry", "drop"])
def test_each_of_its_commands_explains_itself(command: str) -> None:
    """--help has a sentence, and explains the options."""
    result = aftercare("inbox", command, "--help")

    assert result.exit_code == 0
    assert "--config" in result.output
