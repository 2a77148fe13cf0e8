"""Tests of `bot.storage.patients`: who agreed, what goes when they leave, and counts that name nobody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.storage import patients, treatments
from bot.storage.database import Database
from bot.storage.tables import Alert, Base, CheckIn, Count, Invite, Patient, Treatment
from tests.storage.conftest import ANA, BEN, NOW, Clinic

DAY = timedelta(days=1)


def _number(database: Database, table: type[Base]) -> int:
    return database.call(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def _counts(database: Database) -> list[tuple[str, str, int]]:
    def read(session: Session) -> Sequence[Any]:
        return session.execute(
            select(Count.day, Count.name, Count.number).order_by(Count.day, Count.name)
        ).all()

    return [tuple(row) for row in database.call(read)]


def _erase(database: Database, chat_id: int) -> None:
    def erase(session: Session) -> None:
        patient = patients.by_chat(session, chat_id)
        assert patient is not None
        patients.erase(session, patient)

    database.call(erase)


def test_a_stranger_has_no_row(database: Database) -> None:
    """Nobody is known before they agree."""
    assert database.call(patients.by_chat, ANA) is None
    assert database.call(patients.by_id, 1) is None


def test_who_agreed_is_known_by_chat_and_by_id(clinic: Clinic) -> None:
    """Name, language, branch and the moment of consent are kept; nothing has been stopped."""
    row = clinic.patient(ANA, "Ana")
    clinic.patient(BEN, "Ben")

    by_chat = clinic.database.call(patients.by_chat, ANA)
    by_id = clinic.database.call(patients.by_id, row.id)

    assert by_chat is not None
    assert by_id is not None
    assert by_chat.id == by_id.id == row.id
    assert (by_chat.name, by_chat.language, by_chat.branch_id) == ("Ana", "en", "orchard")
    assert (by_chat.consented_at, by_chat.stopped_at, by_chat.unreachable_at) == (NOW, None, None)


def test_agreeing_again_takes_a_stop_back(clinic: Clinic) -> None:
    """The same row is at the new branch, with the new consent, and is reachable and followed again."""
    first = clinic.patient()

    def leave(session: Session) -> None:
        row = session.get_one(Patient, first.id)
        row.stopped_at = row.unreachable_at = NOW

    clinic.database.call(leave)
    again = clinic.database.call(
        patients.agree, chat_id=ANA, name="Ana", language="en", branch_id="bugis", now=NOW + DAY
    )

    assert again.id == first.id
    assert (again.branch_id, again.consented_at) == ("bugis", NOW + DAY)
    assert (again.stopped_at, again.unreachable_at) == (None, None)
    assert _number(clinic.database, Patient) == 1


def test_a_long_name_is_cut_to_fit(clinic: Clinic) -> None:
    """Telegram's names may be long and in any script."""
    assert clinic.patient(name="安" * 300).name == "安" * 256


def test_erasing_a_patient_takes_everything_of_theirs_along(clinic: Clinic) -> None:
    """Treatments, invites, check-ins and alerts go with the row, in whatever state; those of others stay."""
    for chat_id, name in ((ANA, "Ana"), (BEN, "Ben")):
        patient = clinic.patient(chat_id, name)
        treatment = clinic.treatment(patient, label=name)
        clinic.database.call(treatments.add_invite, treatment.id, f"hash of {name}", NOW, NOW + DAY)
        clinic.check_in(treatment)
        clinic.alert(patient, treatment=treatment)
        clinic.alert(patient)

    _erase(clinic.database, ANA)

    left = {table: _number(clinic.database, table) for table in (Patient, Treatment, Invite, CheckIn, Alert)}
    assert left == {Patient: 1, Treatment: 1, Invite: 1, CheckIn: 1, Alert: 2}
    labels = clinic.database.call(lambda session: list(session.scalars(select(Treatment.label))))
    chats = clinic.database.call(lambda session: set(session.scalars(select(Alert.chat_id))))
    assert (labels, chats) == (["Ben"], {BEN})


def test_erasing_spares_what_belongs_to_nobody(clinic: Clinic) -> None:
    """A treatment nobody has joined and an alert about a stranger outlive a patient."""
    clinic.patient()
    clinic.check_in(clinic.treatment())
    clinic.alert(chat_id=BEN)

    _erase(clinic.database, ANA)

    assert [_number(clinic.database, table) for table in (Treatment, CheckIn, Alert)] == [1, 1, 1]


def test_who_was_erased_may_agree_anew(clinic: Clinic) -> None:
    """The chat is free again, and starts with nothing."""
    clinic.check_in(clinic.treatment(clinic.patient()))
    _erase(clinic.database, ANA)

    clinic.patient(now=NOW + DAY)

    assert _number(clinic.database, Patient) == 1
    assert _number(clinic.database, CheckIn) == 0


def test_counts_grow_by_one(database: Database) -> None:
    """Each name has its own number for each day, also within one transaction."""

    def twice(session: Session) -> None:
        patients.count(session, "offered", NOW)
        patients.count(session, "offered", NOW)

    database.call(twice)
    database.call(patients.count, "offered", NOW)
    database.call(patients.count, "not_found", NOW)
    database.call(patients.count, "offered", NOW + DAY)

    assert _counts(database) == [
        ("2026-03-28", "not_found", 1),
        ("2026-03-28", "offered", 3),
        ("2026-03-29", "offered", 1),
    ]


def test_a_long_name_of_a_count_is_cut_and_still_counted(database: Database) -> None:
    """The same long name is the same count."""
    for _ in range(2):
        database.call(patients.count, "answered:" + "x" * 100, NOW)

    assert _counts(database) == [("2026-03-28", ("answered:" + "x" * 100)[:80], 2)]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 28, 23, 59, tzinfo=UTC), "2026-03-28"),
        (datetime(2026, 3, 29, 0, 0, tzinfo=UTC), "2026-03-29"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=ZoneInfo("Asia/Singapore")), "2026-03-28"),  # 17:00 UTC
    ],
)
def test_a_count_belongs_to_a_day_in_utc(database: Database, moment: datetime, day: str) -> None:
    """Whatever zone the moment is given in, the day is that of UTC."""
    database.call(patients.count, "offered", moment)

    assert _counts(database) == [(day, "offered", 1)]
