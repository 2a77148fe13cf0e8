"""Tests of `bot.storage.groups`: which chat is whose staff group, one-time codes, drafts, and notes."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.domain.message import Outgoing
from bot.storage import groups, outbox
from bot.storage.database import Database
from bot.storage.tables import OutboxRow, StaffGroup
from tests.storage.conftest import ANA, BEN, NOW

GROUP = -4_000_000_001
OTHER = -4_000_000_002
SUPERGROUP = -1_002_000_000_001
DAY = timedelta(days=1)


def _bind(database: Database, branch_id: str, chat_id: int, title: str = "Staff") -> None:
    database.call(groups.bind, branch_id, chat_id, title, "Eva", NOW)


def _bound(database: Database) -> dict[str, int]:
    def read(session: Session) -> dict[str, int]:
        return {row.branch_id: row.chat_id for row in session.scalars(select(StaffGroup))}

    return database.call(read)


# --- groups ----------------------------------------------------------------------------------------------


def test_a_bound_group_is_found_by_branch_and_by_chat(database: Database) -> None:
    """It says what it is called, and who bound it when."""
    database.call(groups.bind, "orchard", GROUP, "S" * 300, "E" * 300, NOW)

    by_branch = database.call(groups.of_branch, "orchard")
    by_chat = database.call(groups.by_chat, GROUP)

    assert by_branch is not None
    assert by_chat is not None
    assert by_branch.branch_id == by_chat.branch_id == "orchard"
    assert (by_branch.chat_id, by_branch.title, by_branch.bound_by, by_branch.bound_at) == (
        GROUP,
        "S" * 256,
        "E" * 256,
        NOW,
    )


def test_what_is_not_bound_is_not_found(database: Database) -> None:
    """No other branch, and no other chat."""
    _bind(database, "orchard", GROUP)

    assert database.call(groups.of_branch, "bugis") is None
    assert database.call(groups.by_chat, OTHER) is None


@pytest.mark.parametrize(
    ("branch_id", "chat_id", "after"),
    [
        ("orchard", GROUP, {"orchard": GROUP, "bugis": OTHER}),  # the same once more
        ("orchard", OTHER, {"orchard": OTHER}),  # the other branch's group, and its own is left
        ("bugis", GROUP, {"bugis": GROUP}),
        ("tampines", GROUP, {"tampines": GROUP, "bugis": OTHER}),
        ("orchard", -99, {"orchard": -99, "bugis": OTHER}),
    ],
)
def test_binding_replaces(database: Database, branch_id: str, chat_id: int, after: dict[str, int]) -> None:
    """A branch has one group and a group one branch: what either had before is given up."""
    _bind(database, "orchard", GROUP)
    _bind(database, "bugis", OTHER)

    _bind(database, branch_id, chat_id)

    assert _bound(database) == after


def test_a_group_that_is_gone_is_forgotten(database: Database) -> None:
    """`unbind` returns the branch that has no group now; a chat that is no group of ours changes nothing."""
    _bind(database, "orchard", GROUP)
    _bind(database, "bugis", OTHER)

    assert database.call(groups.unbind, GROUP) == "orchard"
    assert database.call(groups.unbind, GROUP) is None

    assert _bound(database) == {"bugis": OTHER}


def test_a_group_is_followed_once(database: Database) -> None:
    """A group that became a supergroup keeps its branch and what was in line; a second word of it is nothing new."""
    _bind(database, "orchard", GROUP)
    database.call(outbox.add, GROUP, Outgoing(text="Alert"), NOW)

    assert database.call(groups.migrate, GROUP, SUPERGROUP) is True
    assert database.call(groups.migrate, GROUP, SUPERGROUP) is False

    assert _bound(database) == {"orchard": SUPERGROUP}
    assert database.call(lambda session: list(session.scalars(select(OutboxRow.chat_id)))) == [SUPERGROUP]


def test_an_old_id_is_remembered(database: Database) -> None:
    """Buttons of the time before name it; also after a second move, and never for ever in a circle."""
    _bind(database, "orchard", GROUP)
    assert database.call(groups.now_at, GROUP) == GROUP

    database.call(groups.migrate, GROUP, SUPERGROUP)
    database.call(groups.migrate, SUPERGROUP, OTHER)

    assert [database.call(groups.now_at, chat) for chat in (GROUP, SUPERGROUP, OTHER)] == [OTHER] * 3
    assert database.call(groups.earlier, SUPERGROUP) == [GROUP]
    assert database.call(groups.earlier, OTHER) == [SUPERGROUP]
    assert database.call(groups.earlier, GROUP) == []
    database.call(groups.migrate, OTHER, GROUP)
    assert database.call(groups.now_at, GROUP) in (GROUP, OTHER, SUPERGROUP)


def test_a_strange_group_is_not_followed(database: Database) -> None:
    """A chat that is bound to no branch changes nothing when it moves."""
    _bind(database, "orchard", GROUP)
    database.call(outbox.add, OTHER, Outgoing(text="Who are you?"), NOW)

    assert database.call(groups.migrate, OTHER, SUPERGROUP) is False

    assert _bound(database) == {"orchard": GROUP}
    assert database.call(lambda session: list(session.scalars(select(OutboxRow.chat_id)))) == [OTHER]


def test_a_group_that_was_bound_anew_before_it_was_followed_keeps_the_new_binding(database: Database) -> None:
    """If the supergroup was bound to another branch meanwhile, word of the move does not fail."""
    _bind(database, "orchard", GROUP)
    _bind(database, "bugis", SUPERGROUP)

    database.call(groups.migrate, GROUP, SUPERGROUP)

    assert _bound(database) == {"bugis": SUPERGROUP}


# --- set-up codes ----------------------------------------------------------------------------------------


def test_a_setup_code_works_once(database: Database) -> None:
    """It names its branch the first time, and nothing afterwards."""
    database.call(groups.add_setup_code, "orchard", "hash", NOW + DAY)

    assert database.call(groups.use_setup_code, "hash", NOW) == "orchard"
    assert database.call(groups.use_setup_code, "hash", NOW) is None


@pytest.mark.parametrize(
    ("before_end", "branch"), [(timedelta(seconds=1), "orchard"), (timedelta(), None), (-DAY, None)]
)
def test_a_setup_code_expires(database: Database, before_end: timedelta, branch: str | None) -> None:
    """Until its end it works; from then on it does not."""
    database.call(groups.add_setup_code, "orchard", "hash", NOW)

    assert database.call(groups.use_setup_code, "hash", NOW - before_end) == branch


def test_an_unknown_setup_code_does_nothing(database: Database) -> None:
    """A guess names no branch and uses up no code."""
    database.call(groups.add_setup_code, "orchard", "hash", NOW + DAY)

    assert database.call(groups.use_setup_code, "guess", NOW) is None
    assert database.call(groups.use_setup_code, "hash", NOW) == "orchard"


def test_a_new_setup_code_ends_the_earlier_one(database: Database) -> None:
    """Of its own branch only."""
    database.call(groups.add_setup_code, "orchard", "old", NOW + DAY)
    database.call(groups.add_setup_code, "bugis", "other", NOW + DAY)
    database.call(groups.add_setup_code, "orchard", "new", NOW + DAY)

    used = {code: database.call(groups.use_setup_code, code, NOW) for code in ("old", "other", "new")}
    assert used == {"old": None, "other": "bugis", "new": "orchard"}


# --- drafts and notes ------------------------------------------------------------------------------------


def test_a_draft_is_found_by_its_number(database: Database) -> None:
    """Each button of a registration carries it; another number is no draft."""
    database.call(groups.new_draft, GROUP, ANA, {"number": 1}, NOW)
    newest = database.call(groups.new_draft, GROUP, ANA, {"number": 2}, NOW)

    found = database.call(groups.draft, newest.id)

    assert found is not None
    assert found.data == {"number": 2}
    assert database.call(groups.draft, newest.id + 99) is None


def test_drafts_nobody_finished_are_forgotten(database: Database) -> None:
    """Those begun before a moment go; the others stay."""
    old = database.call(groups.new_draft, GROUP, ANA, {}, NOW - 2 * DAY)
    recent = database.call(groups.new_draft, GROUP, BEN, {}, NOW - DAY)

    database.call(groups.drop_drafts, NOW - DAY)

    assert database.call(groups.draft, old.id) is None
    assert database.call(groups.draft, recent.id) is not None


def test_a_note_replaces_the_old_one(database: Database) -> None:
    """One note for each key."""
    assert database.call(groups.note, "bot") is None

    for name in ("first_bot", "second_bot"):
        database.call(groups.write_note, "bot", name)
    database.call(groups.write_note, "other", "thing")

    assert database.call(groups.note, "bot") == "second_bot"
    assert database.call(groups.note, "other") == "thing"
