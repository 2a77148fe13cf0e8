"""Tests of `bot.storage.tables`: what a row may hold, and how it comes back."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import BigInteger, DateTime, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from bot.storage.database import Database
from bot.storage.tables import (
    Base,
    CheckIn,
    Draft,
    InboxRow,
    Moment,
    Patient,
    SetupCode,
    StaffGroup,
    Treatment,
)
from tests.storage.conftest import ANA, NOW, Clinic

SINGAPORE = ZoneInfo("Asia/Singapore")


def _keep(session: Session, code: str, moment: datetime) -> None:
    session.add(SetupCode(code_hash=code, branch_id="orchard", expires_at=moment))


def _kept(session: Session, code: str) -> datetime:
    return session.scalars(select(SetupCode.expires_at).where(SetupCode.code_hash == code)).one()


def test_a_naive_moment_is_not_stored(database: Database) -> None:
    """Writing a datetime without a zone is refused, and nothing is written."""
    with pytest.raises(StatementError, match="has no time zone"):
        database.call(_keep, "a", datetime(2026, 3, 28, 16))  # noqa: DTZ001

    assert database.call(lambda session: session.get(SetupCode, "a")) is None


def test_a_naive_moment_is_not_compared(database: Database) -> None:
    """Asking with a datetime without a zone is refused, instead of being answered in the wrong zone."""
    naive = datetime(2026, 3, 28, 16)  # noqa: DTZ001

    with pytest.raises(StatementError, match="has no time zone"):
        database.call(
            lambda session: session.scalars(select(Patient).where(Patient.consented_at < naive)).all()
        )


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 28, 16, 0, 0, 123456, tzinfo=UTC),  # to the microsecond
        datetime(2026, 3, 29, 0, 30, tzinfo=SINGAPORE),  # another day in UTC
        datetime(2026, 3, 28, 3, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
    ],
)
def test_a_moment_comes_back_in_utc(database: Database, moment: datetime) -> None:
    """Whatever zone a moment was given in, the same moment is read, in UTC."""
    database.call(_keep, "a", moment)

    read = database.call(_kept, "a")

    assert read == moment
    assert read.utcoffset() == timedelta()


def test_moments_of_different_zones_are_in_the_order_of_time(database: Database) -> None:
    """The database compares moments, not what clocks on walls showed."""
    database.call(_keep, "later", datetime(2026, 3, 28, 9, tzinfo=UTC))
    database.call(_keep, "earlier", datetime(2026, 3, 28, 16, tzinfo=SINGAPORE))

    rows = database.call(
        lambda session: session.scalars(select(SetupCode.code_hash).order_by(SetupCode.expires_at)).all()
    )

    assert rows == ["earlier", "later"]


def test_no_moment_stays_no_moment(clinic: Clinic) -> None:
    """What has not happened is None, not a date."""
    clinic.patient()

    assert clinic.database.call(lambda session: session.scalars(select(Patient.stopped_at)).all()) == [None]


def test_every_column_of_time_is_a_moment() -> None:
    """No table has a date column that would take a naive datetime."""
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]

    assert [str(column) for column in columns if isinstance(column.type, DateTime)] == []
    assert sum(isinstance(column.type, Moment) for column in columns) > 20


def test_every_number_of_telegrams_has_64_bits() -> None:
    """Chat, user, message and update ids are wider than 32 bits (Bot API, "Chat": at most 52 significant bits)."""
    names = {"chat_id", "about_chat", "user_id", "update_id", "message_id"}
    columns = [
        column for table in Base.metadata.tables.values() for column in table.columns if column.name in names
    ]

    assert len(columns) >= 10
    assert [str(column) for column in columns if not isinstance(column.type, BigInteger)] == []


def _begin_an_index() -> set[tuple[str, str]]:
    """Return the columns by which rows are found without reading the whole table."""
    found = set()
    for table in Base.metadata.tables.values():
        columns = [table.primary_key.columns, *(index.columns for index in table.indexes)]
        columns += [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
        found |= {(table.name, next(iter(one)).name) for one in columns}
    return found


def test_what_goes_with_a_row_is_found_at_once() -> None:
    """A deleted row takes others with it (ON DELETE CASCADE): no whole table is read to find them."""
    pointing = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.foreign_keys
    }

    assert len(pointing) >= 6
    assert pointing <= _begin_an_index()


def test_what_is_kept_of_a_chat_is_found_at_once() -> None:
    """An erasure looks for a chat in every table; with a year's messages that must not stop everything else."""
    of_chats = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name in {"chat_id", "about_chat"}
    }

    assert len(of_chats) >= 6
    assert of_chats <= _begin_an_index()


def test_a_chat_belongs_to_one_patient(clinic: Clinic) -> None:
    """A second patient row for a chat is refused."""
    clinic.patient()
    second = Patient(chat_id=ANA, name="Ben", language="en", branch_id="orchard", consented_at=NOW)

    with pytest.raises(IntegrityError):
        clinic.database.call(lambda session: session.add(second))


def test_a_chat_is_the_group_of_one_branch(database: Database) -> None:
    """A second branch with the same group is refused."""

    def write(session: Session) -> None:
        for branch_id in ("orchard", "bugis"):
            session.add(
                StaffGroup(branch_id=branch_id, chat_id=-100, title="Staff", bound_at=NOW, bound_by="Eva")
            )

    with pytest.raises(IntegrityError):
        database.call(write)


def test_an_update_has_one_row(database: Database) -> None:
    """The database itself refuses a second row for an update id."""

    def write(session: Session) -> None:
        for _ in range(2):
            session.add(InboxRow(update_id=7, chat_id=ANA, received_at=NOW, state="waiting", payload={}))

    with pytest.raises(IntegrityError):
        database.call(write)


def test_answers_come_back_as_they_were_given(clinic: Clinic) -> None:
    """A mapping with words in any script survives; before the first answer it is empty."""
    row = clinic.check_in(clinic.treatment(clinic.patient()))
    answers = {"pain": "7", "words": "还痛 😣", "more": {"bruise": True, "sides": ["left"]}}

    def answer(session: Session) -> dict[str, object]:
        found = session.get_one(CheckIn, row.id)
        before = dict(found.answers)
        found.answers = answers
        return before

    assert clinic.database.call(answer) == {}
    assert clinic.database.call(lambda session: session.get_one(CheckIn, row.id).answers) == answers


def test_regions_keep_their_order(clinic: Clinic) -> None:
    """A list of words comes back as the same list."""
    treatment = clinic.treatment()

    def change(session: Session) -> None:
        session.get_one(Treatment, treatment.id).regions = ["shoulder", "neck"]

    clinic.database.call(change)

    assert clinic.database.call(lambda session: session.scalars(select(Treatment.regions)).one()) == [
        "shoulder",
        "neck",
    ]


def test_a_draft_keeps_what_was_tapped(database: Database) -> None:
    """A draft's data is stored as plain values."""
    data = {"by": "Eva", "label": None, "regions": ["neck", "shoulder"]}
    draft = Draft(chat_id=-100, user_id=ANA, created_at=NOW, data=data)
    database.call(lambda session: session.add(draft))

    assert database.call(lambda session: session.scalars(select(Draft.data)).one()) == data
