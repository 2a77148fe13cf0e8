"""Tests of `bot.storage.overview`: a branch's day, what is to come, and how many are in which state."""

from datetime import timedelta

import pytest

from bot.domain.message import Outgoing
from bot.domain.patient import AlertState, CheckInState, TreatmentState
from bot.storage import claims, inbox, outbox, overview, treatments
from bot.storage.inbox import Arrival
from bot.storage.overview import States, Today
from bot.storage.tables import CheckIn, Patient, Treatment
from tests.storage.conftest import ANA, BEN, NOW, Clinic

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW - 8 * HOUR
END = START + DAY


@pytest.fixture
def ana(clinic: Clinic) -> Patient:
    """Give a patient who agreed."""
    return clinic.patient(ANA, "Ana")


@pytest.fixture
def treatment(clinic: Clinic, ana: Patient) -> Treatment:
    """Give a treatment of hers."""
    return clinic.treatment(ana)


def _today(clinic: Clinic, branch_id: str = "orchard") -> Today:
    return clinic.database.call(overview.today, branch_id, START, END)


def _ids(rows: list[CheckIn]) -> list[int]:
    return [row.id for row in rows]


def _sections(day: Today) -> dict[str, list[int]]:
    return {name: _ids(getattr(day, name)) for name in ("due", "answered", "waiting", "to_call")}


@pytest.mark.parametrize(
    ("state", "section"),
    [
        (CheckInState.SCHEDULED, "due"),
        (CheckInState.SENT, "waiting"),
        (CheckInState.ANSWERED, "answered"),
        (CheckInState.MISSED, "to_call"),
        (CheckInState.EXPIRED, "to_call"),
        (CheckInState.SUPERSEDED, None),
        (CheckInState.CANCELLED, None),
    ],
)
def test_each_check_in_stands_in_one_section(
    clinic: Clinic, treatment: Treatment, state: CheckInState, section: str | None
) -> None:
    """Due, waiting, answered, to be called; what was withdrawn stands nowhere."""
    over = state not in (CheckInState.SCHEDULED, CheckInState.SENT)
    row = clinic.check_in(treatment, after=HOUR, state=state, ended_at=NOW + 2 * HOUR if over else None)

    found = _sections(_today(clinic))

    assert {name: ids for name, ids in found.items() if ids} == ({section: [row.id]} if section else {})


def test_each_section_is_in_the_order_of_its_moments(clinic: Clinic, treatment: Treatment) -> None:
    """The earliest first, whatever was written first."""
    later = clinic.check_in(treatment, after=3 * HOUR)
    earlier = clinic.check_in(treatment, after=HOUR)

    assert _ids(_today(clinic).due) == [earlier.id, later.id]


def test_tomorrows_check_ins_are_not_todays(clinic: Clinic, treatment: Treatment) -> None:
    """The end of the day belongs to the next."""
    last = clinic.check_in(treatment, after=END - NOW - SECOND)
    clinic.check_in(treatment, after=END - NOW)

    assert _ids(_today(clinic).due) == [last.id]


def test_yesterdays_answers_are_not_todays(clinic: Clinic, treatment: Treatment) -> None:
    """What was answered before the day began is not shown; at its first moment or later it is."""
    clinic.check_in(treatment, after=-DAY, state=CheckInState.ANSWERED, ended_at=START - SECOND)
    today = clinic.check_in(treatment, after=-DAY, state=CheckInState.ANSWERED, ended_at=START)

    assert _ids(_today(clinic).answered) == [today.id]


def test_who_was_silent_is_to_be_called_for_two_days(clinic: Clinic, treatment: Treatment) -> None:
    """What was missed, or could not be sent, stays listed; the one that ended first stands first."""
    clinic.check_in(treatment, after=-4 * DAY, state=CheckInState.MISSED, ended_at=START - 2 * DAY - SECOND)
    today = clinic.check_in(treatment, after=-DAY, state=CheckInState.MISSED, ended_at=NOW)
    earlier = clinic.check_in(treatment, state=CheckInState.EXPIRED, ended_at=START - 2 * DAY)

    assert _ids(_today(clinic).to_call) == [earlier.id, today.id]


def test_who_has_answered_since_need_not_be_called(clinic: Clinic, treatment: Treatment) -> None:
    """A later answer of the same patient, to whichever check-in, takes them off the list; an earlier one does not."""
    bens = clinic.treatment(clinic.patient(BEN, "Ben"))
    clinic.check_in(treatment, after=-DAY, state=CheckInState.MISSED, ended_at=NOW - HOUR)
    still = clinic.check_in(bens, after=-DAY, state=CheckInState.MISSED, ended_at=NOW - HOUR)
    clinic.check_in(treatment, state=CheckInState.ANSWERED, ended_at=NOW)
    clinic.check_in(bens, after=-2 * DAY, state=CheckInState.ANSWERED, ended_at=NOW - 2 * HOUR)

    assert _ids(_today(clinic).to_call) == [still.id]


def test_nobody_is_called_about_a_treatment_nobody_joined(clinic: Clinic) -> None:
    """A check-in that expired without a patient has nobody to be called."""
    clinic.check_in(clinic.treatment(), state=CheckInState.EXPIRED, ended_at=NOW)

    assert _today(clinic).to_call == []


def test_what_is_open_since_yesterday_is_still_shown(clinic: Clinic, treatment: Treatment) -> None:
    """Overdue and unanswered ones stay until they end."""
    due = clinic.check_in(treatment, after=-DAY)
    waiting = clinic.check_in(treatment, after=-2 * DAY, state=CheckInState.SENT)

    day = _today(clinic)

    assert (_ids(day.due), _ids(day.waiting)) == ([due.id], [waiting.id])


def test_a_branch_sees_only_its_own(clinic: Clinic, ana: Patient) -> None:
    """Check-ins, invites and alerts of another branch are not shown."""
    treatment = clinic.treatment(ana, branch_id="bugis")
    row = clinic.check_in(treatment, after=HOUR)
    missed = clinic.check_in(treatment, state=CheckInState.MISSED, ended_at=NOW)
    unopened = clinic.treatment(branch_id="bugis")
    clinic.database.call(treatments.add_invite, unopened.id, "hash", NOW, NOW + DAY)
    alert = clinic.alert(ana, branch_id="bugis")

    mine, others = _today(clinic, "bugis"), _today(clinic, "orchard")

    assert (_ids(mine.due), _ids(mine.to_call)) == ([row.id], [missed.id])
    assert ([row.id for row in mine.unopened], [row.id for row in mine.alerts]) == (
        [unopened.id],
        [alert.id],
    )
    assert others == Today(due=[], answered=[], waiting=[], to_call=[], unopened=[], alerts=[])


@pytest.mark.parametrize("state", [TreatmentState.SUPERSEDED, TreatmentState.CANCELLED])
def test_what_is_followed_no_more_is_not_shown(clinic: Clinic, ana: Patient, state: TreatmentState) -> None:
    """Neither check-ins nor invites of a treatment that gave way or was called off."""
    clinic.check_in(clinic.treatment(ana, state=state), after=HOUR)
    clinic.check_in(clinic.treatment(ana, state=state), state=CheckInState.MISSED, ended_at=NOW)
    treatment = clinic.treatment(state=state)
    clinic.database.call(treatments.add_invite, treatment.id, "hash", NOW, NOW + DAY)

    day = _today(clinic)

    assert (day.due, day.to_call, day.unopened) == ([], [], [])


def test_who_has_not_joined_is_listed_by_treatment(clinic: Clinic, ana: Patient) -> None:
    """In the order of treatment, while the invite is valid; their check-ins are not due to anybody."""
    later, earlier = clinic.treatment(treated_at=NOW), clinic.treatment(treated_at=NOW - HOUR)
    joined, lapsed = clinic.treatment(ana), clinic.treatment()
    clinic.treatment(label="no invite")
    for treatment, end in (
        (later, NOW + DAY),
        (earlier, NOW + DAY),
        (joined, NOW + DAY),
        (lapsed, START),
    ):
        clinic.database.call(treatments.add_invite, treatment.id, f"hash {treatment.id}", NOW - 9 * DAY, end)
    clinic.check_in(later, after=HOUR)

    day = _today(clinic)

    assert [row.id for row in day.unopened] == [earlier.id, later.id]
    assert day.due == []


def test_alerts_are_shown_until_they_are_closed(clinic: Clinic, ana: Patient) -> None:
    """Open and acknowledged ones, oldest first, from whichever day."""
    old = clinic.alert(ana, now=NOW - 9 * DAY, state=AlertState.ACKNOWLEDGED)
    clinic.alert(ana, state=AlertState.CLOSED)
    stranger = clinic.alert(chat_id=BEN)

    assert [row.id for row in _today(clinic).alerts] == [old.id, stranger.id]


def test_the_day_can_be_read_after_the_transaction(clinic: Clinic, treatment: Treatment) -> None:
    """Each check-in brings its treatment along."""
    clinic.check_in(treatment, after=HOUR)

    assert [row.treatment.label for row in _today(clinic).due] == [treatment.label]


def test_what_is_to_come_is_in_the_order_in_which_it_is_due(clinic: Clinic, treatment: Treatment) -> None:
    """Every scheduled check-in of every branch, up to a moment if one is given; nothing else."""
    late = clinic.check_in(treatment, after=48 * HOUR)
    early = clinic.check_in(clinic.treatment(branch_id="bugis"), after=24 * HOUR)
    for state in CheckInState:
        if state is not CheckInState.SCHEDULED:
            clinic.check_in(treatment, state=state)

    rows = clinic.database.call(overview.upcoming)
    near = clinic.database.call(overview.upcoming, NOW + 24 * HOUR)

    assert [(row.id, row.treatment.branch_id) for row in rows] == [(early.id, "bugis"), (late.id, "orchard")]
    assert _ids(near) == [early.id]


def test_all_check_ins_are_listed_whatever_their_state(clinic: Clinic, treatment: Treatment) -> None:
    """In the order in which they are due, with their treatments."""
    ids = [
        clinic.check_in(treatment, after=hours * HOUR, state=state).id
        for hours, state in enumerate(CheckInState)
    ]

    rows = clinic.database.call(overview.check_ins_of_all)

    assert _ids(rows) == ids
    assert {row.treatment.id for row in rows} == {treatment.id}


def test_states_are_counted(clinic: Clinic) -> None:
    """Updates and messages by their state; a state nothing is in is not named."""
    database = clinic.database
    assert database.call(overview.states) == States(inbox={}, outbox={})
    arrivals = [Arrival(update_id=number, chat_id=ANA, payload={}) for number in range(3)]
    database.call(inbox.store, arrivals, NOW)
    database.call(inbox.finish, 0, NOW, keep_words=False)
    for chat_id in (ANA, BEN):
        database.call(outbox.add, chat_id, Outgoing(text="Hello"), NOW)
    database.call(claims.claim, NOW, HOUR, 1)

    assert database.call(overview.states) == States(
        inbox={"waiting": 2, "done": 1}, outbox={"queued": 1, "sending": 1}
    )


# --- after a downtime ------------------------------------------------------------------------------------

BEGAN = NOW + 30 * HOUR
PUNCTUAL = BEGAN - timedelta(minutes=15)


def _caught_up(clinic: Clinic, branch_id: str = "orchard") -> tuple[list[int], list[int]]:
    found = clinic.database.call(overview.caught_up, branch_id, BEGAN, PUNCTUAL)
    return _ids(found.late), _ids(found.expired)


def test_what_went_out_late_is_what_was_due_before_and_sent_since(
    clinic: Clinic, treatment: Treatment
) -> None:
    """Due before the bot began, and sent after; in the order of their moments, whatever became of them since."""
    due = PUNCTUAL - NOW
    second = clinic.check_in(treatment, after=due - SECOND, state=CheckInState.SENT, sent_at=BEGAN)
    first = clinic.check_in(
        treatment, after=due - HOUR, state=CheckInState.ANSWERED, sent_at=BEGAN + HOUR, ended_at=BEGAN + HOUR
    )
    clinic.check_in(treatment, after=due, state=CheckInState.SENT, sent_at=BEGAN)  # punctual
    clinic.check_in(treatment, after=due - HOUR, state=CheckInState.SENT, sent_at=BEGAN - SECOND)
    clinic.check_in(treatment, after=due - HOUR)  # not sent yet

    assert _caught_up(clinic) == ([first.id, second.id], [])


def test_what_was_too_late_is_what_expired_since(clinic: Clinic, treatment: Treatment) -> None:
    """What expired after the bot began, in the order of their moments; nothing that ended otherwise, or before."""
    state = CheckInState.EXPIRED
    second = clinic.check_in(treatment, after=2 * HOUR, state=state, ended_at=BEGAN)
    first = clinic.check_in(treatment, after=HOUR, state=state, ended_at=BEGAN + SECOND)
    clinic.check_in(treatment, after=HOUR, state=state, ended_at=BEGAN - SECOND)
    clinic.check_in(treatment, after=HOUR, state=CheckInState.MISSED, ended_at=BEGAN)

    assert _caught_up(clinic) == ([], [first.id, second.id])


def test_a_downtime_is_each_branchs_own(clinic: Clinic, ana: Patient) -> None:
    """What happened at another branch is not told, nor what nobody had joined."""
    theirs, nobodys = clinic.treatment(ana, branch_id="bugis"), clinic.treatment()
    late = clinic.check_in(theirs, after=HOUR, state=CheckInState.SENT, sent_at=BEGAN)
    expired = clinic.check_in(theirs, after=HOUR, state=CheckInState.EXPIRED, ended_at=BEGAN)
    clinic.check_in(nobodys, after=HOUR, state=CheckInState.EXPIRED, ended_at=BEGAN)

    assert _caught_up(clinic) == ([], [])
    assert _caught_up(clinic, "bugis") == ([late.id], [expired.id])


def test_a_downtime_can_be_read_after_the_transaction(clinic: Clinic, treatment: Treatment) -> None:
    """Each check-in brings its treatment along."""
    clinic.check_in(treatment, after=HOUR, state=CheckInState.SENT, sent_at=BEGAN)
    found = clinic.database.call(overview.caught_up, "orchard", BEGAN, PUNCTUAL)
    assert [row.treatment.label for row in found.late] == [treatment.label]
