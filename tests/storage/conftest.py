"""A real database, migrated by the real steps, and a clinic to fill it with."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.domain.patient import AlertKind, AlertState, CheckInState, TreatmentState
from bot.domain.triage import Urgency
from bot.storage import alerts, check_ins, patients, treatments
from bot.storage.database import Database, Session
from bot.storage.tables import Alert, CheckIn, Patient, Treatment
from tests.kit.postgres import Databases

NOW = datetime(2026, 3, 28, 8, tzinfo=UTC)
ANA = 5_000_000_001
BEN = 5_000_000_002


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a database on both kinds; a fact about one of them only there."""
    if "dialect" not in metafunc.fixturenames:
        return
    kinds = ["sqlite", "postgresql"]
    for kind, sign in (("sqlite", "sqlite_file"), ("postgresql", "only_postgresql")):
        if sign in metafunc.fixturenames:
            kinds = [kind]
    metafunc.parametrize("dialect", kinds)


@pytest.fixture
def url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an empty database of this test's own."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'aftercare.db'}"
        return
    postgres: Databases = request.getfixturevalue("postgres")
    url = postgres.fresh_database()
    yield url
    postgres.drop(url)


@pytest.fixture
def sqlite_file(url: str) -> Path:
    """Give the path of the database, in tests of what only SQLite does: they run on SQLite only."""
    return Path(make_url(url).database or "")


@pytest.fixture
def only_postgresql(dialect: str) -> str:
    """Mark tests of what only PostgreSQL does: they run on PostgreSQL only."""
    return dialect


@pytest.fixture(scope="session")
def _migrated_on_postgres(postgres: Databases) -> str:
    """Give a database on the server that the real steps have migrated; tests write into it, and it is emptied."""
    url = postgres.fresh_database()
    database = Database(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Give a database with all tables, made by the real steps, and nothing in them."""
    if dialect == "sqlite":
        url: str = request.getfixturevalue("url")
        shutil.copyfile(request.getfixturevalue("migrated"), make_url(url).database or "")
    else:
        url = request.getfixturevalue("_migrated_on_postgres")
    database = Database(url)
    yield database
    database.close()
    if dialect == "postgresql":
        request.getfixturevalue("postgres").wipe(url)


@pytest.fixture
def clinic(database: Database) -> "Clinic":
    """Give a clinic that writes into the database."""
    return Clinic(database)


@dataclass(frozen=True)
class Clinic:
    """Writes patients, treatments, check-ins and alerts, each in a transaction of its own."""

    database: Database

    def patient(self, chat_id: int = ANA, name: str = "Ana", *, now: datetime = NOW) -> Patient:
        """Let a person agree."""
        return self.database.call(
            patients.agree, chat_id=chat_id, name=name, language="en", branch_id="orchard", now=now
        )

    def treatment(
        self,
        patient: Patient | None = None,
        *,
        label: str = "A1023",
        branch_id: str = "orchard",
        treated_at: datetime = NOW,
        state: TreatmentState = TreatmentState.ACTIVE,
    ) -> Treatment:
        """Register a treatment, joined by *patient* if there is one."""

        def write(session: Session) -> Treatment:
            treatment = treatments.add(
                session,
                branch_id=branch_id,
                label=label,
                treated_at=treated_at,
                regions=["neck"],
                plan="standard",
                by="Eva",
                now=treated_at,
            )
            treatment.state = state
            treatment.patient_id = patient.id if patient else None
            return treatment

        return self.database.call(write)

    def check_in(
        self,
        treatment: Treatment,
        *,
        after: timedelta = timedelta(hours=24),
        grace: timedelta = timedelta(hours=12),
        state: CheckInState = CheckInState.SCHEDULED,
        sent_at: datetime | None = None,
        nudge_at: datetime | None = None,
        ended_at: datetime | None = None,
    ) -> CheckIn:
        """Schedule a check-in *after* NOW, and bring it into *state*."""

        def write(session: Session) -> CheckIn:
            row = check_ins.add(session, treatment, "24h", NOW + after, NOW + after + grace)
            row.state = state
            row.sent_at = sent_at
            row.nudge_at = nudge_at
            row.ended_at = ended_at
            return row

        return self.database.call(write)

    def alert(
        self,
        patient: Patient | None = None,
        *,
        treatment: Treatment | None = None,
        chat_id: int = ANA,
        branch_id: str = "orchard",
        state: AlertState = AlertState.OPEN,
        raise_at: datetime | None = None,
        tell_patient_at: datetime | None = None,
        now: datetime = NOW,
    ) -> Alert:
        """Open an alert about a patient, or about a stranger's chat."""

        def write(session: Session) -> Alert:
            alert = alerts.add(
                session,
                branch_id=branch_id,
                chat_id=patient.chat_id if patient else chat_id,
                patient=patient,
                treatment=treatment,
                kind=AlertKind.RED_FLAG,
                urgency=Urgency.EMERGENCY,
                red_flag="pneumothorax",
                who="Ana",
                said="I can't breathe",
                because="can't breathe",
                raise_at=raise_at,
                tell_patient_at=tell_patient_at,
                now=now,
            )
            alert.state = state
            return alert

        return self.database.call(write)
