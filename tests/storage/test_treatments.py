"""Tests of `bot.storage.treatments`: sessions, how staff find them, and the invites that tie a chat to one."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.domain.patient import TreatmentState
from bot.storage import treatments
from bot.storage.database import Database
from bot.storage.tables import Invite
from tests.storage.conftest import ANA, BEN, NOW, Clinic

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _find(database: Database, text: str, branch_id: str = "orchard") -> list[str]:
    return [treatment.label for treatment in database.call(treatments.find, branch_id, text)]


def _invite(database: Database, code_hash: str) -> Invite:
    invite = database.call(treatments.invite_by_hash, code_hash)
    assert invite is not None
    return invite


def test_a_new_treatment_is_active_and_nobodys(database: Database) -> None:
    """What staff registered is kept; the patient joins later."""
    added = database.call(
        treatments.add,
        branch_id="orchard",
        label="A1023",
        treated_at=NOW - HOUR,
        regions=("neck", "shoulder"),
        plan="standard",
        by="E" * 100,
        now=NOW,
    )

    row = database.call(treatments.by_id, added.id)

    assert row is not None
    assert (row.branch_id, row.label, row.plan, row.regions) == (
        "orchard",
        "A1023",
        "standard",
        ["neck", "shoulder"],
    )
    assert (row.treated_at, row.registered_at, row.registered_by) == (NOW - HOUR, NOW, "E" * 80)
    assert (row.state, row.patient_id) == (TreatmentState.ACTIVE, None)


def test_a_patient_is_followed_for_the_newest_active_treatment(clinic: Clinic) -> None:
    """By when they were treated, not by when it was typed in; other states and other patients do not count."""
    ana, ben = clinic.patient(ANA, "Ana"), clinic.patient(BEN, "Ben")
    clinic.treatment(ana, label="newest", treated_at=NOW + HOUR, state=TreatmentState.CANCELLED)
    active = clinic.treatment(ana, label="active", treated_at=NOW)
    clinic.treatment(ana, label="typed in late", treated_at=NOW - DAY)
    clinic.treatment(ben, treated_at=NOW + DAY)

    found = clinic.database.call(treatments.active_of, ana.id)

    assert found is not None
    assert found.id == active.id


def test_without_an_active_treatment_nobody_is_followed(clinic: Clinic) -> None:
    """Superseded and cancelled ones do not count."""
    ana = clinic.patient()
    for state in (TreatmentState.SUPERSEDED, TreatmentState.CANCELLED):
        clinic.treatment(ana, state=state)

    assert clinic.database.call(treatments.active_of, ana.id) is None


def test_the_newest_treatment_counts_whatever_its_state(clinic: Clinic) -> None:
    """Of two at one moment, the one registered later."""
    ana = clinic.patient()
    clinic.treatment(ana)
    newest = clinic.treatment(ana, state=TreatmentState.CANCELLED)
    clinic.treatment(ana, treated_at=NOW - DAY)

    found = clinic.database.call(treatments.newest_of, ana.id)

    assert found is not None
    assert found.id == newest.id
    assert clinic.database.call(treatments.newest_of, ana.id + 1) is None


def test_all_treatments_of_a_patient_oldest_first(clinic: Clinic) -> None:
    """In every state, and nobody else's."""
    ana = clinic.patient()
    late = clinic.treatment(ana, treated_at=NOW, state=TreatmentState.SUPERSEDED)
    early = clinic.treatment(ana, treated_at=NOW - DAY)
    clinic.treatment()

    assert [row.id for row in clinic.database.call(treatments.all_of, ana.id)] == [early.id, late.id]


# --- finding ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("A1023", "a1023"),
        ("a1023", "A1023"),
        ("A1023", "02"),  # any part
        ("Mdm Tan", "MDM t"),
        ("陈 A7", "陈"),
        ("Élodie 3", "Élodie"),  # as it was typed
        ("Élodie 3", "élodie"),
        ("ÖZ-4", "öz"),
        ("Straße 4", "STRASSE"),  # one letter, two capitals
    ],
)
def test_a_label_is_found_in_any_case(clinic: Clinic, label: str, text: str) -> None:
    """Staff need not type a label as it was registered, in whatever script."""
    clinic.treatment(label=label)

    assert _find(clinic.database, text) == [label]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%", ["50% better"]),
        ("_", ["A_1"]),
        ("A_1", ["A_1"]),
        ("/", ["A/1"]),  # the sign that escapes the others
        ("\\", []),
        ("'", []),
    ],
)
def test_signs_of_sql_are_plain_letters(clinic: Clinic, text: str, found: list[str]) -> None:
    """A per cent sign or an underscore finds itself and nothing more."""
    for label in ("A/1", "A_1", "AB1", "50% better"):
        clinic.treatment(label=label)

    assert _find(clinic.database, text) == found


def test_found_treatments_are_of_one_branch_newest_first(clinic: Clinic) -> None:
    """At most as many as asked for, the newest of them."""
    for days in range(10):
        clinic.treatment(label=f"A{days}", treated_at=NOW - days * DAY)
    clinic.treatment(label="A at Bugis", branch_id="bugis")

    assert _find(clinic.database, "a") == [f"A{days}" for days in range(8)]
    assert _find(clinic.database, "a", "bugis") == ["A at Bugis"]
    assert len(clinic.database.call(treatments.find, "orchard", "a", 3)) == 3


def test_a_whole_label_is_looked_up_in_all_branches(clinic: Clinic) -> None:
    """Only exactly this label counts."""
    clinic.treatment(label="A1")
    clinic.treatment(label="A1", branch_id="bugis")
    clinic.treatment(label="A10")

    found = clinic.database.call(treatments.with_label, "A1")

    assert sorted(treatment.branch_id for treatment in found) == ["bugis", "orchard"]


# --- invites ---------------------------------------------------------------------------------------------


def test_an_invite_is_found_by_its_hash(clinic: Clinic) -> None:
    """It names its treatment and its end, and has been neither opened nor used."""
    treatment = clinic.treatment()
    clinic.database.call(treatments.add_invite, treatment.id, "hash", NOW, NOW + DAY)

    invite = _invite(clinic.database, "hash")

    assert (invite.treatment_id, invite.created_at, invite.expires_at) == (treatment.id, NOW, NOW + DAY)
    assert (invite.opened_at, invite.used_at) == (None, None)
    assert clinic.database.call(treatments.invite_by_hash, "other") is None


def test_a_new_invite_ends_the_earlier_ones(clinic: Clinic) -> None:
    """Those of the same treatment end now, or stay ended; other treatments' and used ones are not touched."""
    treatment, other = clinic.treatment(), clinic.treatment()
    clinic.database.call(treatments.add_invite, other.id, "other", NOW, NOW + DAY)
    clinic.database.call(treatments.add_invite, treatment.id, "used", NOW, NOW + DAY)

    def use(session: Session) -> None:
        invite = treatments.invite_by_hash(session, "used")
        assert invite is not None
        invite.used_at = NOW

    clinic.database.call(use)
    clinic.database.call(treatments.add_invite, treatment.id, "past", NOW, NOW + HOUR)
    clinic.database.call(treatments.add_invite, treatment.id, "open", NOW + 2 * HOUR, NOW + DAY)
    clinic.database.call(treatments.add_invite, treatment.id, "new", NOW + 3 * HOUR, NOW + 2 * DAY)

    ends = {
        code: _invite(clinic.database, code).expires_at - NOW
        for code in ("other", "used", "past", "open", "new")
    }
    assert ends == {"other": DAY, "used": DAY, "past": HOUR, "open": 3 * HOUR, "new": 2 * DAY}


def test_two_invites_never_have_one_code(clinic: Clinic) -> None:
    """A hash that exists already is refused."""
    treatment = clinic.treatment()
    clinic.database.call(treatments.add_invite, treatment.id, "hash", NOW, NOW + DAY)

    with pytest.raises(IntegrityError):
        clinic.database.call(treatments.add_invite, treatment.id, "hash", NOW, NOW + DAY)


def test_whether_an_invite_was_opened(clinic: Clinic) -> None:
    """Any invite of the treatment counts, also an earlier one; those of other treatments do not."""
    treatment, other = clinic.treatment(), clinic.treatment()
    clinic.database.call(treatments.add_invite, treatment.id, "first", NOW, NOW + DAY)
    clinic.database.call(treatments.add_invite, treatment.id, "second", NOW, NOW + DAY)
    assert not clinic.database.call(treatments.was_opened, treatment.id)

    def open_first(session: Session) -> None:
        invite = treatments.invite_by_hash(session, "first")
        assert invite is not None
        invite.opened_at = NOW

    clinic.database.call(open_first)

    assert clinic.database.call(treatments.was_opened, treatment.id)
    assert not clinic.database.call(treatments.was_opened, other.id)
