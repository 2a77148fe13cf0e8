"""Tests of `bot.service.attempt`: one that fails stops no other, and nothing of it stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from bot.service import attempt
from bot.service.ports import Tools
from bot.storage import groups
from bot.storage.database import DatabaseAway, Session


def run(tools: Tools, trouble: Callable[[str], None], rows: list[str]) -> tuple[list[str], Counter[str]]:
    """Write a note for each row, then meet *trouble*; return the rows that failed and what was counted."""
    done: Counter[str] = Counter()

    def act(session: Session) -> list[str]:
        def step(row: str) -> str:
            groups.write_note(session, row, "written")
            trouble(row)
            return "noted"

        return attempt.each(session, done, step, rows)

    return tools.database.call(act), done


def written(tools: Tools, rows: list[str]) -> list[str]:
    """Return those of *rows* of which a note was written."""
    return [row for row in rows if tools.database.call(groups.note, row) is not None]


ROWS = ["a", "b", "c"]


def test_all_are_done_and_counted(tools: Tools) -> None:
    """Without trouble every row has its step, once."""
    failed, done = run(tools, lambda _row: None, ROWS)

    assert (failed, done, written(tools, ROWS)) == ([], Counter(noted=3), ROWS)


def test_one_that_fails_stops_no_other_and_leaves_nothing(tools: Tools) -> None:
    """The others are done and counted once; the failed one is returned and counted as put off."""

    def trouble(row: str) -> None:
        if row == "b":
            raise RuntimeError("planted")

    failed, done = run(tools, trouble, ROWS)

    assert (failed, done) == (["b"], Counter(noted=2, put_off=1))
    assert written(tools, ROWS) == ["a", "c"]


def test_a_step_without_a_word_is_not_counted(tools: Tools) -> None:
    """Neither when all go together nor when each goes by itself."""

    def each(session: Session, troubles: list[str], done: Counter[str]) -> list[str]:
        def step(row: str) -> None:
            if row in troubles:
                raise RuntimeError("planted")

        return attempt.each(session, done, step, ROWS)

    done: Counter[str] = Counter()
    assert tools.database.call(each, [], done) == []
    assert tools.database.call(each, ["c"], done) == ["c"]
    assert done == {"put_off": 1}


def test_no_rows_are_no_step(tools: Tools) -> None:
    """Nothing is counted, and nothing fails."""
    assert run(tools, lambda _row: None, []) == ([], Counter())


@pytest.mark.parametrize("before", [[], [RuntimeError("planted")]])
def test_a_database_that_goes_away_is_no_fault_of_a_row(tools: Tools, before: list[Exception]) -> None:
    """It is raised from the first and from the second attempt; nothing is counted."""
    troubles = [*before, DatabaseAway("planted")]

    def trouble(_row: str) -> None:
        raise troubles.pop(0)

    with pytest.raises(DatabaseAway):
        run(tools, trouble, ROWS)

    assert written(tools, ROWS) == []
