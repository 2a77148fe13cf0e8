"""Tests of `bot.storage.check_ins`: what is asked when, of whom, and what is not asked any more."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.domain.patient import CheckInState, TreatmentState
from bot.storage import check_ins, patients
from bot.storage.database import Database
from bot.storage.tables import CheckIn, Patient, Treatment
from tests.storage.conftest import ANA, BEN, NOW, Clinic

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
#: No pause before a nudge is longer, in these tests.
LONGEST = 20 * DAY
OVER = [state for state in CheckInState if state not in (CheckInState.SCHEDULED, CheckInState.SENT)]


@pytest.fixture
def ana(clinic: Clinic) -> Patient:
    """Give a patient who agreed."""
    return clinic.patient(ANA, "Ana")


@pytest.fixture
def treatment(clinic: Clinic, ana: Patient) -> Treatment:
    """Give a treatment of hers."""
    return clinic.treatment(ana)


def _due(database: Database, now: datetime, limit: int = 100) -> list[int]:
    return [row.id for row in database.call(check_ins.claim_due, now, limit)]


def _silent(database: Database, now: datetime, limit: int = 100) -> list[int]:
    return [row.id for row in database.call(check_ins.claim_silent, now, limit, LONGEST)]


def _row(database: Database, row: CheckIn) -> CheckIn:
    found = database.call(check_ins.by_id, row.id)
    assert found is not None
    return found


# --- scheduling ------------------------------------------------------------------------------------------


def test_a_new_check_in_is_scheduled(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """It belongs to the treatment's patient, and nothing has been asked or answered."""
    added = clinic.database.call(check_ins.add, treatment, "24h", NOW + DAY, NOW + 2 * DAY)

    row = _row(clinic.database, added)

    assert (row.treatment_id, row.patient_id, row.step) == (treatment.id, ana.id, "24h")
    assert (row.state, row.due_at, row.expires_at) == (CheckInState.SCHEDULED, NOW + DAY, NOW + 2 * DAY)
    assert (row.sent_at, row.started_at, row.nudge_at, row.ended_at, row.answers) == (
        None,
        None,
        None,
        None,
        {},
    )


def test_before_somebody_joins_a_check_in_is_nobodys(clinic: Clinic) -> None:
    """A treatment without a patient gives check-ins without one."""
    assert clinic.check_in(clinic.treatment()).patient_id is None


def test_many_are_scheduled_as_one_is(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """Of any treatments, with a patient or without; each like one that was added by itself."""
    nobodys = clinic.treatment()
    alone = clinic.database.call(check_ins.add, treatment, "24h", NOW + DAY, NOW + 2 * DAY)
    planned = [
        check_ins.Planned(
            treatment_id=of.id,
            patient_id=of.patient_id,
            step=step,
            due_at=NOW + after,
            expires_at=NOW + 3 * DAY,
        )
        for of in (treatment, nobodys)
        for step, after in (("48h", 2 * DAY), ("24h", DAY))
    ]

    clinic.database.call(check_ins.add_many, planned)

    rows = clinic.database.call(check_ins.of_treatment, nobodys.id)
    assert [(row.patient_id, row.step, row.due_at, row.expires_at) for row in rows] == [
        (None, "24h", NOW + DAY, NOW + 3 * DAY),
        (None, "48h", NOW + 2 * DAY, NOW + 3 * DAY),
    ]
    hers = clinic.database.call(check_ins.of_treatment, treatment.id)
    assert [(row.patient_id, row.step) for row in hers] == [(ana.id, "24h"), (ana.id, "24h"), (ana.id, "48h")]
    one, among_many = (
        {column.name: getattr(row, column.name) for column in CheckIn.__table__.columns}
        for row in (_row(clinic.database, alone), hers[1])
    )
    assert one | {"id": 0, "expires_at": NOW} == among_many | {"id": 0, "expires_at": NOW}


def test_none_are_scheduled_where_none_are_planned(clinic: Clinic, treatment: Treatment) -> None:
    """An import may be empty."""
    clinic.database.call(check_ins.add_many, [])

    assert clinic.database.call(check_ins.of_treatment, treatment.id) == []


def test_of_many_all_or_none_are_scheduled(clinic: Clinic, treatment: Treatment) -> None:
    """One for a treatment that is not there leaves nothing of the others."""
    more = {"patient_id": None, "step": "24h", "due_at": NOW, "expires_at": NOW + DAY}
    planned = [check_ins.Planned(treatment_id=id_, **more) for id_ in (treatment.id, treatment.id + 1000)]  # type: ignore[arg-type]

    with pytest.raises(IntegrityError):
        clinic.database.call(check_ins.add_many, planned)

    assert clinic.database.call(check_ins.of_treatment, treatment.id) == []


def test_check_ins_of_a_treatment_are_in_the_order_of_their_moments(
    clinic: Clinic, treatment: Treatment
) -> None:
    """Whatever their state, and none of another treatment."""
    late = clinic.check_in(treatment, after=48 * HOUR)
    early = clinic.check_in(treatment, after=24 * HOUR, state=CheckInState.MISSED)
    clinic.check_in(clinic.treatment())

    rows = clinic.database.call(check_ins.of_treatment, treatment.id)

    assert [row.id for row in rows] == [early.id, late.id]


def test_all_check_ins_of_a_patient(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """Of every treatment of theirs, in the order in which they are due, each with its treatment."""
    late = clinic.check_in(treatment, after=48 * HOUR)
    earlier = clinic.treatment(ana, label="A7", state=TreatmentState.SUPERSEDED)
    early = clinic.check_in(earlier, after=HOUR, state=CheckInState.SUPERSEDED)
    clinic.check_in(clinic.treatment())

    rows = clinic.database.call(check_ins.all_of, ana.id)

    assert [(row.id, row.treatment.label) for row in rows] == [(early.id, "A7"), (late.id, treatment.label)]


def test_the_newest_that_was_sent_is_open(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """A patient answers the check-in that was sent last; those of other states and patients do not count."""
    clinic.check_in(treatment, state=CheckInState.SENT, sent_at=NOW + HOUR)
    newest = clinic.check_in(treatment, state=CheckInState.SENT, sent_at=NOW + 2 * HOUR)
    for state in (*OVER, CheckInState.SCHEDULED):
        clinic.check_in(treatment, state=state, sent_at=NOW + 3 * HOUR)
    ben = clinic.patient(BEN, "Ben")
    clinic.check_in(clinic.treatment(ben), state=CheckInState.SENT, sent_at=NOW + 3 * HOUR)

    row = clinic.database.call(check_ins.open_of, ana.id)

    assert row is not None
    assert row.id == newest.id


def test_the_next_check_in_is_the_first_scheduled(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """What was sent or has ended is not next."""
    assert clinic.database.call(check_ins.next_of, ana.id) is None
    clinic.check_in(treatment, after=48 * HOUR)
    first = clinic.check_in(treatment, after=24 * HOUR)
    for state in (*OVER, CheckInState.SENT):
        clinic.check_in(treatment, after=HOUR, state=state)

    row = clinic.database.call(check_ins.next_of, ana.id)

    assert row is not None
    assert row.id == first.id


# --- due -------------------------------------------------------------------------------------------------


def test_what_is_due_comes_in_the_order_of_its_moments(clinic: Clinic, treatment: Treatment) -> None:
    """From its very moment on; what is still to come is left alone; no more than asked for."""
    second = clinic.check_in(treatment, after=2 * HOUR)
    first = clinic.check_in(treatment, after=HOUR)
    third = clinic.check_in(treatment, after=3 * HOUR)

    assert _due(clinic.database, NOW + HOUR - timedelta(seconds=1)) == []
    assert _due(clinic.database, NOW + HOUR) == [first.id]
    assert _due(clinic.database, NOW + DAY) == [first.id, second.id, third.id]
    assert _due(clinic.database, NOW + DAY, limit=2) == [first.id, second.id]


@pytest.mark.parametrize("state", [*OVER, CheckInState.SENT])
def test_only_what_is_scheduled_is_due(clinic: Clinic, treatment: Treatment, state: CheckInState) -> None:
    """Nothing is asked twice, and nothing that has ended."""
    clinic.check_in(treatment, state=state)

    assert _due(clinic.database, NOW + 30 * DAY) == []


def test_without_a_patient_nothing_is_due_until_it_expires(clinic: Clinic) -> None:
    """There is nobody to ask; once its time is over, the check-in is handed out to be ended."""
    row = clinic.check_in(clinic.treatment(), after=HOUR, grace=12 * HOUR)

    assert _due(clinic.database, NOW + 2 * HOUR) == []
    assert _due(clinic.database, NOW + 13 * HOUR - timedelta(seconds=1)) == []
    assert _due(clinic.database, NOW + 13 * HOUR) == [row.id]


def test_what_is_due_brings_its_treatment_and_its_patient(
    clinic: Clinic, ana: Patient, treatment: Treatment
) -> None:
    """Both can be read after the transaction, without asking the database again."""
    clinic.check_in(treatment)

    (row,) = clinic.database.call(check_ins.claim_due, NOW + DAY, 1)

    assert row.treatment.label == treatment.label
    assert row.treatment.patient is not None
    assert row.treatment.patient.chat_id == ana.chat_id


def test_silence_is_noticed_at_the_moment_of_the_nudge(clinic: Clinic, treatment: Treatment) -> None:
    """Sent check-ins whose next step has come, in the order of those moments, no more than asked for."""
    second = clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW + 5 * HOUR)
    first = clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW + 4 * HOUR)
    clinic.check_in(treatment, state=CheckInState.SENT)

    assert _silent(clinic.database, NOW + 4 * HOUR - timedelta(seconds=1)) == []
    assert _silent(clinic.database, NOW + 4 * HOUR) == [first.id]
    assert _silent(clinic.database, NOW + DAY) == [first.id, second.id]
    assert _silent(clinic.database, NOW + DAY, limit=1) == [first.id]


def test_a_nudge_further_ahead_than_any_pause_is_noticed(clinic: Clinic, treatment: Treatment) -> None:
    """The clock was set back since. What has come goes first, and there are never more than asked for."""
    ahead = clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW + 13 * HOUR + SECOND)
    clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW + 13 * HOUR)
    due = clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW)
    clinic.check_in(treatment, nudge_at=NOW + 30 * DAY)
    clinic.check_in(treatment, state=CheckInState.ANSWERED, nudge_at=NOW + 30 * DAY)

    def silent(now: datetime, limit: int) -> list[int]:
        rows = clinic.database.call(check_ins.claim_silent, now, limit, 13 * HOUR)
        return [row.id for row in rows]

    assert silent(NOW, 5) == [due.id, ahead.id]
    assert silent(NOW, 1) == [due.id]
    assert silent(NOW + SECOND, 5) == [due.id]


def test_who_was_asked_long_ago_and_lies_ahead_brings_the_patient(
    clinic: Clinic, ana: Patient, treatment: Treatment
) -> None:
    """As what is due does."""
    clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW + 30 * DAY)

    (row,) = clinic.database.call(check_ins.claim_silent, NOW, 1, DAY)

    assert row.treatment.patient is not None
    assert row.treatment.patient.chat_id == ana.chat_id


def test_the_silent_are_found_by_the_index(clinic: Clinic, sqlite_file: Path) -> None:
    """Both questions are ranges of it, however many wait for an answer: nobody's row is read in vain."""
    questions: list[str] = []

    def look(session: Session) -> list[str]:
        connection = session.connection()

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            questions.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        check_ins.claim_silent(session, NOW, 20, DAY)
        event.remove(connection, "before_cursor_execute", note)
        return [
            " ".join(
                row.detail
                for row in connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {question}", (0,) * question.count("?")
                )
            )
            for question in questions
        ]

    plans = clinic.database.call(look)
    assert len(plans) == 2
    assert all("USING INDEX check_ins_nudge (state=? AND nudge_at" in plan for plan in plans)


# --- what is under way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [*OVER, CheckInState.SCHEDULED])
def test_only_who_was_asked_can_be_silent(clinic: Clinic, treatment: Treatment, state: CheckInState) -> None:
    """No nudge for a check-in that was answered, has ended, or was never sent."""
    clinic.check_in(treatment, state=state, nudge_at=NOW)

    assert _silent(clinic.database, NOW + DAY) == []


def test_the_next_moment_is_a_due_or_a_nudge(clinic: Clinic, treatment: Treatment) -> None:
    """The earliest of both; what has ended or has no patient does not ring the bell."""
    assert clinic.database.call(check_ins.next_moment) is None
    clinic.check_in(clinic.treatment(), after=HOUR)
    for state in OVER:
        clinic.check_in(treatment, after=HOUR, state=state, nudge_at=NOW + HOUR)
    assert clinic.database.call(check_ins.next_moment) is None

    clinic.check_in(treatment, after=24 * HOUR, nudge_at=NOW + HOUR)
    assert clinic.database.call(check_ins.next_moment) == NOW + 24 * HOUR
    clinic.check_in(treatment, after=HOUR, state=CheckInState.SENT, nudge_at=NOW + 5 * HOUR)
    assert clinic.database.call(check_ins.next_moment) == NOW + 5 * HOUR
    clinic.check_in(treatment, after=4 * HOUR)
    assert clinic.database.call(check_ins.next_moment) == NOW + 4 * HOUR


# --- missed without a reminder ---------------------------------------------------------------------------


def test_who_was_missed_without_a_reminder_is_found(
    clinic: Clinic, ana: Patient, treatment: Treatment
) -> None:
    """Since that moment, of this branch, in the order of their moments; not who was reminded, nor other states."""
    missed = CheckInState.MISSED
    second = clinic.check_in(treatment, after=2 * HOUR, state=missed, ended_at=NOW)
    first = clinic.check_in(treatment, after=HOUR, state=missed, ended_at=NOW + HOUR)
    clinic.check_in(treatment, state=missed, ended_at=NOW - SECOND)
    clinic.check_in(treatment, state=CheckInState.EXPIRED, ended_at=NOW)
    reminded = clinic.check_in(treatment, state=missed, ended_at=NOW)
    clinic.database.call(lambda session: setattr(session.get_one(CheckIn, reminded.id), "nudged_at", NOW))
    clinic.check_in(clinic.treatment(), state=missed, ended_at=NOW)  # nobody's
    clinic.check_in(clinic.treatment(ana, branch_id="bugis"), state=missed, ended_at=NOW)
    ben = clinic.patient(BEN, "Ben")
    bens = clinic.check_in(clinic.treatment(ben), after=3 * HOUR, state=missed, ended_at=NOW)

    def found() -> list[tuple[int, str]]:
        rows = clinic.database.call(check_ins.missed_unreminded, "orchard", NOW)
        return [(row.id, row.treatment.label) for row in rows]

    assert found() == [(first.id, "A1023"), (second.id, "A1023"), (bens.id, "A1023")]
    clinic.check_in(treatment, state=CheckInState.SENT)
    assert found() == [(bens.id, "A1023")]


# --- ending and resuming ---------------------------------------------------------------------------------


def test_only_what_is_open_is_ended(clinic: Clinic, treatment: Treatment) -> None:
    """Scheduled and sent ones end, without a nudge to come; what had ended keeps its state."""
    rows = {state: clinic.check_in(treatment, state=state, nudge_at=NOW + HOUR) for state in CheckInState}

    def end(session: Session) -> set[int]:
        found = check_ins.of_treatment(session, treatment.id)
        return {row.id for row in check_ins.end_open(session, found, CheckInState.SUPERSEDED, NOW)}

    assert clinic.database.call(end) == {rows[CheckInState.SCHEDULED].id, rows[CheckInState.SENT].id}

    for state, row in rows.items():
        after = _row(clinic.database, row)
        if state in (CheckInState.SCHEDULED, CheckInState.SENT):
            assert (after.state, after.ended_at, after.nudge_at) == (CheckInState.SUPERSEDED, NOW, None)
        else:
            assert (after.state, after.ended_at) == (state, None)


def test_everything_a_patient_would_be_asked_can_be_ended(
    clinic: Clinic, ana: Patient, treatment: Treatment
) -> None:
    """Of all their treatments; nobody else's; what was ended is returned."""
    mine = [
        clinic.check_in(treatment),
        clinic.check_in(treatment, state=CheckInState.SENT),
        clinic.check_in(clinic.treatment(ana)),
    ]
    answered = clinic.check_in(treatment, state=CheckInState.ANSWERED)
    bens = clinic.check_in(clinic.treatment(clinic.patient(BEN, "Ben")))

    ended = clinic.database.call(check_ins.end_all_of, ana.id, CheckInState.CANCELLED, NOW)

    assert sorted(row.id for row in ended) == [row.id for row in mine]
    assert {_row(clinic.database, row).state for row in mine} == {CheckInState.CANCELLED}
    assert _row(clinic.database, answered).state == CheckInState.ANSWERED
    assert _due(clinic.database, NOW + DAY) == [bens.id]


def test_resuming_schedules_what_is_still_to_come(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """Only what was cancelled and lies ahead, of an active treatment of this patient."""
    ahead = clinic.check_in(treatment, after=2 * HOUR, state=CheckInState.CANCELLED, ended_at=NOW)
    now_due = clinic.check_in(treatment, after=HOUR, state=CheckInState.CANCELLED)
    missed = clinic.check_in(treatment, after=2 * HOUR, state=CheckInState.MISSED)
    superseded = clinic.check_in(
        clinic.treatment(ana, state=TreatmentState.SUPERSEDED), after=2 * HOUR, state=CheckInState.CANCELLED
    )
    called_off = clinic.check_in(
        clinic.treatment(ana, state=TreatmentState.CANCELLED), after=2 * HOUR, state=CheckInState.CANCELLED
    )
    bens = clinic.check_in(
        clinic.treatment(clinic.patient(BEN, "Ben")), after=2 * HOUR, state=CheckInState.CANCELLED
    )

    assert clinic.database.call(check_ins.resume, ana.id, NOW + HOUR) == 1

    back = _row(clinic.database, ahead)
    assert (back.state, back.ended_at) == (CheckInState.SCHEDULED, None)
    assert [_row(clinic.database, row).state for row in (now_due, missed, superseded, called_off, bens)] == [
        CheckInState.CANCELLED,
        CheckInState.MISSED,
        CheckInState.CANCELLED,
        CheckInState.CANCELLED,
        CheckInState.CANCELLED,
    ]


# --- giving way ------------------------------------------------------------------------------------------


def test_a_check_in_that_gives_way_is_gone_and_the_others_stay(clinic: Clinic, treatment: Treatment) -> None:
    """It is as if it had never been planned."""
    dropped = clinic.check_in(treatment, after=DAY)
    kept = clinic.check_in(treatment, after=2 * DAY)

    clinic.database.call(lambda session: check_ins.drop(session, session.merge(dropped)))

    assert [row.id for row in clinic.database.call(check_ins.of_treatment, treatment.id)] == [kept.id]


# --- whom to forget --------------------------------------------------------------------------------------


def _over(clinic: Clinic, before: datetime) -> list[str]:
    return sorted(row.name for row in clinic.database.call(check_ins.last_ended_before, before))


def test_who_is_over_is_judged_by_the_last_check_in(clinic: Clinic) -> None:
    """A patient with an old and a recent treatment is not over; one with only old ones is."""
    ana, ben = clinic.patient(ANA, "Ana"), clinic.patient(BEN, "Ben")
    for patient in (ana, ben):
        clinic.check_in(clinic.treatment(patient), after=DAY, state=CheckInState.ANSWERED)
    clinic.check_in(clinic.treatment(ben), after=20 * DAY, state=CheckInState.MISSED)
    clinic.check_in(clinic.treatment(), after=DAY)

    assert _over(clinic, NOW + DAY) == []
    assert _over(clinic, NOW + 2 * DAY) == ["Ana"]
    assert _over(clinic, NOW + 21 * DAY) == ["Ana", "Ben"]


@pytest.mark.parametrize("state", [CheckInState.SCHEDULED, CheckInState.SENT])
def test_who_has_something_open_is_not_over(
    clinic: Clinic, treatment: Treatment, state: CheckInState
) -> None:
    """However old it is, a check-in that is to be asked or answered keeps its patient."""
    clinic.check_in(treatment, after=DAY, state=state)

    assert _over(clinic, NOW + 100 * DAY) == []


def test_who_never_had_a_check_in_is_over_as_well(clinic: Clinic) -> None:
    """A patient who agreed when all steps were past is not kept for ever."""
    clinic.treatment(clinic.patient(ANA, "Ana", now=NOW), treated_at=NOW - 10 * DAY)

    assert _over(clinic, NOW + 100 * DAY) == ["Ana"]


def test_who_was_erased_is_not_asked(clinic: Clinic, ana: Patient, treatment: Treatment) -> None:
    """Nothing of a patient who left is due, nor rings the bell."""
    clinic.check_in(treatment)
    clinic.check_in(treatment, state=CheckInState.SENT, nudge_at=NOW)

    clinic.database.call(lambda session: patients.erase(session, session.get_one(Patient, ana.id)))

    assert _due(clinic.database, NOW + 30 * DAY) == []
    assert _silent(clinic.database, NOW + 30 * DAY) == []
    assert clinic.database.call(check_ins.next_moment) is None
