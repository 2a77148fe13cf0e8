"""Tests of `bot.storage.alerts`: raised until a person has seen it, closed once with an outcome."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot.domain.patient import AlertKind, AlertOutcome, AlertState
from bot.domain.triage import Urgency
from bot.storage import alerts
from bot.storage.alerts import Latest
from bot.storage.database import Database
from bot.storage.tables import Alert
from tests.storage.conftest import ANA, BEN, NOW, Clinic

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def _acknowledge(database: Database, alert: Alert, by: str, now: datetime) -> bool:
    def act(session: Session) -> bool:
        return alerts.acknowledge(session, session.get_one(Alert, alert.id), by, now)

    return database.call(act)


def _close(database: Database, alert: Alert, by: str, outcome: AlertOutcome, now: datetime) -> bool:
    def act(session: Session) -> bool:
        return alerts.close(session, session.get_one(Alert, alert.id), by, outcome, now)

    return database.call(act)


def _row(database: Database, alert: Alert) -> Alert:
    row = database.call(alerts.by_id, alert.id)
    assert row is not None
    return row


def _due(database: Database, now: datetime, limit: int = 100, latest: Sequence[Latest] = ()) -> list[int]:
    return [alert.id for alert in database.call(alerts.due_again, now, limit, latest)]


def _untold(database: Database, now: datetime, limit: int = 100, latest: Sequence[Latest] = ()) -> list[int]:
    return [alert.id for alert in database.call(alerts.untold, now, limit, latest)]


def _change(database: Database, alert: Alert, **fields: object) -> int:
    def act(session: Session) -> None:
        row = session.get_one(Alert, alert.id)
        for name, value in fields.items():
            setattr(row, name, value)

    database.call(act)
    return alert.id


def test_a_new_alert_is_open_and_raised_once(clinic: Clinic) -> None:
    """It says about whom, why, how urgent, and in which words."""
    patient = clinic.patient()
    treatment = clinic.treatment(patient)

    row = _row(clinic.database, clinic.alert(patient, treatment=treatment, raise_at=NOW + MINUTE))

    assert (row.branch_id, row.chat_id, row.patient_id, row.treatment_id) == (
        "orchard",
        ANA,
        patient.id,
        treatment.id,
    )
    assert (row.kind, row.urgency, row.red_flag) == (AlertKind.RED_FLAG, Urgency.EMERGENCY, "pneumothorax")
    assert (row.said, row.because, row.who) == ("I can't breathe", "can't breathe", "Ana")
    assert (row.state, row.raised_at, row.raise_at, row.times_raised) == (
        AlertState.OPEN,
        NOW,
        NOW + MINUTE,
        1,
    )


def test_a_stranger_in_danger_has_an_alert_too(clinic: Clinic) -> None:
    """Without a patient and a treatment, by the chat alone."""
    row = _row(clinic.database, clinic.alert(chat_id=BEN))

    assert (row.chat_id, row.patient_id, row.treatment_id) == (BEN, None, None)
    assert clinic.database.call(alerts.by_id, row.id + 1) is None


# --- raised again ----------------------------------------------------------------------------------------


def test_what_nobody_acknowledged_is_raised_again(clinic: Clinic) -> None:
    """From the moment set for it, oldest alert first, no more than asked for; an alert without one never."""
    first = clinic.alert(raise_at=NOW + 2 * MINUTE)
    second = clinic.alert(raise_at=NOW + MINUTE)
    clinic.alert()

    assert _due(clinic.database, NOW + MINUTE - timedelta(seconds=1)) == []
    assert _due(clinic.database, NOW + MINUTE) == [second.id]
    assert _due(clinic.database, NOW + DAY) == [first.id, second.id]
    assert _due(clinic.database, NOW + DAY, limit=1) == [first.id]


def test_a_patient_is_told_on_a_moment_of_its_own(clinic: Clinic) -> None:
    """Whether or not the alert is raised again; each of the two moments is looked for by itself."""
    alone = clinic.alert(tell_patient_at=NOW + MINUTE)
    both = clinic.alert(tell_patient_at=NOW + MINUTE, raise_at=NOW + DAY)
    clinic.alert(raise_at=NOW)

    assert _untold(clinic.database, NOW) == []
    assert _untold(clinic.database, NOW + MINUTE) == [alone.id, both.id]
    assert _untold(clinic.database, NOW + MINUTE, limit=1) == [alone.id]
    assert both.id not in _due(clinic.database, NOW + MINUTE)


def test_the_most_urgent_come_first(clinic: Clinic) -> None:
    """However many wait: an emergency is not behind what is older and can wait."""
    made = [clinic.alert(raise_at=NOW, tell_patient_at=NOW) for _ in range(4)]
    routine, same_day, emergency, unknown = made
    _change(clinic.database, routine, urgency=Urgency.ROUTINE)
    _change(clinic.database, same_day, urgency=Urgency.SAME_DAY)
    _change(clinic.database, unknown, urgency="older word")
    order = [emergency.id, same_day.id, routine.id, unknown.id]

    assert _due(clinic.database, NOW) == order
    assert _due(clinic.database, NOW, limit=1) == order[:1]
    assert _untold(clinic.database, NOW) == order


def test_an_alert_comes_with_its_treatment(clinic: Clinic) -> None:
    """A list of many needs no further question for each; one about a stranger has none."""
    clinic.alert(treatment=clinic.treatment(label="B7"), raise_at=NOW)
    clinic.alert(chat_id=BEN, raise_at=NOW)

    first, second = clinic.database.call(alerts.due_again, NOW, 10)

    assert first.treatment is not None
    assert first.treatment.label == "B7"
    assert second.treatment is None


# --- a clock that was set back ---------------------------------------------------------------------------

LATEST = [
    Latest(
        urgency=Urgency.EMERGENCY,
        raised_below=6,
        raise_at=NOW + 5 * MINUTE,
        tell_patient_at=NOW + 10 * MINUTE,
    ),
    Latest(
        urgency=Urgency.EMERGENCY,
        raise_at=NOW + 30 * MINUTE,
        tell_patient_at=NOW + 10 * MINUTE,
    ),
    Latest(urgency=Urgency.SAME_DAY, branch_id="bugis", raise_at=NOW + DAY),
    Latest(urgency=Urgency.SAME_DAY, raise_at=NOW + 60 * MINUTE),
]


@pytest.mark.parametrize(
    ("ahead", "fields", "is_due"),
    [
        (5 * MINUTE, {}, False),
        (6 * MINUTE, {}, True),
        (6 * MINUTE, {"times_raised": 6}, False),
        (30 * MINUTE, {"times_raised": 6}, False),
        (31 * MINUTE, {"times_raised": 6}, True),
        (60 * MINUTE, {"urgency": Urgency.SAME_DAY}, False),
        (61 * MINUTE, {"urgency": Urgency.SAME_DAY}, True),
        (61 * MINUTE, {"urgency": Urgency.SAME_DAY, "branch_id": "bugis"}, False),
        (DAY + MINUTE, {"urgency": Urgency.SAME_DAY, "branch_id": "bugis"}, True),
        (900 * DAY, {"urgency": Urgency.ROUTINE}, False),  # nothing is said about these
        (900 * DAY, {"state": AlertState.ACKNOWLEDGED}, False),
        (900 * DAY, {"state": AlertState.CLOSED}, False),
    ],
)
def test_what_waits_longer_than_it_can_is_due(
    clinic: Clinic, ahead: timedelta, fields: dict[str, object], is_due: bool
) -> None:
    """The first line that fits an alert counts: by its urgency, its branch, and how often it was raised."""
    alert = clinic.alert(raise_at=NOW + ahead)
    _change(clinic.database, alert, **fields)

    assert _due(clinic.database, NOW, latest=LATEST) == [alert.id] * is_due
    assert _untold(clinic.database, NOW, latest=LATEST) == []
    assert _due(clinic.database, NOW) == []


def test_a_patient_who_would_wait_longer_than_anybody_is_told(clinic: Clinic) -> None:
    """The same for the other moment; where none is given there is no bound."""
    fits = clinic.alert(tell_patient_at=NOW + 10 * MINUTE)
    far = clinic.alert(tell_patient_at=NOW + 11 * MINUTE)
    same_day = clinic.alert(tell_patient_at=NOW + DAY)
    _change(clinic.database, same_day, urgency=Urgency.SAME_DAY)

    assert _untold(clinic.database, NOW, latest=LATEST) == [far.id]
    assert _untold(clinic.database, NOW, latest=LATEST[2:]) == []
    assert _untold(clinic.database, NOW + 10 * MINUTE, latest=LATEST) == [fits.id, far.id]


@pytest.mark.parametrize("state", [AlertState.ACKNOWLEDGED, AlertState.CLOSED])
def test_what_a_person_has_seen_is_not_raised_again(clinic: Clinic, state: AlertState) -> None:
    """Acknowledged or closed: neither raised nor ringing the bell."""
    clinic.alert(state=state, raise_at=NOW, tell_patient_at=NOW)

    assert _due(clinic.database, NOW + DAY) == []
    assert _untold(clinic.database, NOW + DAY) == []
    assert clinic.database.call(alerts.next_moment) is None


def test_the_next_moment_is_the_earliest_of_both(clinic: Clinic) -> None:
    """Of all open alerts: to be raised again, or the patient to be told."""
    assert clinic.database.call(alerts.next_moment) is None
    clinic.alert()
    assert clinic.database.call(alerts.next_moment) is None
    clinic.alert(raise_at=NOW + 3 * MINUTE)
    assert clinic.database.call(alerts.next_moment) == NOW + 3 * MINUTE
    clinic.alert(raise_at=NOW + DAY, tell_patient_at=NOW + 2 * MINUTE)
    assert clinic.database.call(alerts.next_moment) == NOW + 2 * MINUTE


# --- seen and closed -------------------------------------------------------------------------------------


def test_an_alert_is_acknowledged_once(clinic: Clinic) -> None:
    """The first person counts; the second is told so; nothing is raised any more."""
    alert = clinic.alert(raise_at=NOW + MINUTE, tell_patient_at=NOW + MINUTE)

    assert _acknowledge(clinic.database, alert, "Eva", NOW) is True
    assert _acknowledge(clinic.database, alert, "Tom", NOW + MINUTE) is False

    row = _row(clinic.database, alert)
    assert (row.state, row.acknowledged_by, row.acknowledged_at) == (AlertState.ACKNOWLEDGED, "Eva", NOW)
    assert (row.raise_at, row.tell_patient_at) == (None, None)


def test_an_alert_is_closed_once(clinic: Clinic) -> None:
    """With the first outcome and the first person; who had acknowledged it stays on record."""
    alert = clinic.alert(raise_at=NOW + MINUTE)
    _acknowledge(clinic.database, alert, "Eva", NOW)

    assert _close(clinic.database, alert, "Tom", AlertOutcome.ADVISED, NOW + MINUTE) is True
    assert _close(clinic.database, alert, "Eva", AlertOutcome.NO_ACTION, NOW + DAY) is False

    row = _row(clinic.database, alert)
    assert (row.state, row.outcome, row.closed_by, row.closed_at) == (
        AlertState.CLOSED,
        AlertOutcome.ADVISED,
        "Tom",
        NOW + MINUTE,
    )
    assert (row.acknowledged_by, row.acknowledged_at) == ("Eva", NOW)


def test_closing_an_open_alert_acknowledges_it(clinic: Clinic) -> None:
    """Who closes has seen: it is not raised again, and cannot be acknowledged afterwards."""
    alert = clinic.alert(raise_at=NOW, tell_patient_at=NOW)

    assert _close(clinic.database, alert, "E" * 300, AlertOutcome.EMERGENCY, NOW) is True

    row = _row(clinic.database, alert)
    assert (row.acknowledged_by, row.acknowledged_at, row.closed_by) == ("E" * 256, NOW, "E" * 256)
    assert _due(clinic.database, NOW + DAY) == []
    assert _acknowledge(clinic.database, alert, "Tom", NOW) is False


# --- lists -----------------------------------------------------------------------------------------------


def test_a_branch_sees_what_it_has_not_closed(clinic: Clinic) -> None:
    """Open and acknowledged ones of this branch, oldest first."""
    first = clinic.alert()
    clinic.alert(state=AlertState.CLOSED)
    clinic.alert(branch_id="bugis")
    second = clinic.alert(state=AlertState.ACKNOWLEDGED)

    rows = clinic.database.call(alerts.open_of_branch, "orchard")

    assert [row.id for row in rows] == [first.id, second.id]


def test_recent_unclosed_alerts_of_a_chat_newest_first(clinic: Clinic) -> None:
    """Those raised after a moment, which new words may join."""
    clinic.alert(now=NOW - DAY)
    first = clinic.alert(now=NOW, state=AlertState.ACKNOWLEDGED)
    second = clinic.alert(now=NOW)
    clinic.alert(now=NOW, state=AlertState.CLOSED)
    clinic.alert(now=NOW, chat_id=BEN)

    rows = clinic.database.call(alerts.unclosed_of_chat, ANA, NOW - DAY)

    assert [row.id for row in rows] == [second.id, first.id]


def test_all_alerts_of_a_chat_oldest_first(clinic: Clinic) -> None:
    """For an export: whatever their state."""
    first = clinic.alert(state=AlertState.CLOSED)
    clinic.alert(chat_id=BEN)
    second = clinic.alert()

    assert [row.id for row in clinic.database.call(alerts.of_chat, ANA)] == [first.id, second.id]


# --- forgetting ------------------------------------------------------------------------------------------


def test_erasing_a_chat_drops_its_alerts(clinic: Clinic) -> None:
    """Also those from before the person agreed; the number is returned."""
    clinic.alert(chat_id=ANA)
    clinic.alert(clinic.patient())
    other = clinic.alert(chat_id=BEN)

    assert clinic.database.call(alerts.erase_chat, ANA) == 2

    assert clinic.database.call(alerts.of_chat, ANA) == []
    assert _row(clinic.database, other).chat_id == BEN


def test_old_closed_alerts_about_strangers_are_erased(clinic: Clinic) -> None:
    """Not those still to be closed, nor a patient's, nor recent ones."""
    patient = clinic.patient()
    old = NOW - 20 * DAY
    for state in AlertState:
        clinic.alert(chat_id=BEN, state=state, now=old)
    clinic.alert(patient, state=AlertState.CLOSED, now=old)
    clinic.alert(chat_id=BEN, state=AlertState.CLOSED, now=NOW)

    assert clinic.database.call(alerts.erase_strangers, NOW - 10 * DAY) == 1

    left = clinic.database.call(alerts.of_chat, BEN)
    assert [(row.state, row.raised_at) for row in left] == [
        (AlertState.OPEN, old),
        (AlertState.ACKNOWLEDGED, old),
        (AlertState.CLOSED, NOW),
    ]
    assert len(clinic.database.call(alerts.of_chat, ANA)) == 1
