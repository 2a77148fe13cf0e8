"""A clinic for tests with real processes: its settings, its staff groups, and patients straight in the database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import update

from bot.domain.patient import CheckInState, TreatmentState
from bot.sandbox.model import Chat, Person
from bot.sandbox.sandbox import Sandbox
from bot.storage import groups
from bot.storage.database import Database, Session
from bot.storage.tables import CheckIn, Patient, Treatment
from tests.conftest import EXAMPLE

#: One group takes 20 messages a minute, so a busy clinic needs some branches.
BRANCHES = 16
#: The plan that all patients have, and its first step: soreness, water, bruise.
PLAN, STEP, REGION = "standard", "h24", "lower_back"


@dataclass(kw_only=True)
class Branch:
    """A branch: its id, its staff group in the sandbox, and who works there."""

    id: str
    group: Chat
    physio: Person


@dataclass(kw_only=True)
class Enrolled:
    """A patient: who, the label of the treatment, the branch, and when the first check-in is due."""

    person: Person
    label: str
    branch: Branch
    due: datetime


@dataclass(kw_only=True)
class Clinic:
    """A clinic with bound staff groups; no quiet hours, and the bot may send as fast as it can."""

    sandbox: Sandbox
    folder: Path
    database_url: str
    branches: list[Branch] = field(default_factory=list)

    def config(self, api_url: str, name: str = "config.yaml", **telegram: Any) -> Path:
        """Write the settings of one process and return the file. *telegram*: more of that section."""
        content = yaml.safe_load(EXAMPLE.read_text())
        [example] = content["clinic"]["branches"]
        content["clinic"]["branches"] = [
            {**example, "id": branch.id, "name": f"Example Physio {branch.id}"} for branch in self.branches
        ]
        content["telegram"] |= {"api_url": api_url, "messages_per_second": 1000, **telegram}
        content["quiet_hours"] = {"start": "00:00", "end": "00:00"}
        content["database"] = {"url": self.database_url}
        content["alerts"] = dict.fromkeys(content["alerts"], 120)  # minutes: nothing is said a second time
        path = self.folder / name
        path.write_text(yaml.safe_dump(content))
        return path

    def people(self, number: int, name: str) -> list[Person]:
        """Add people who have started the bot."""
        people = [self.sandbox.add_person(f"{name}{place}", phone=False) for place in range(number)]
        for person in people:
            person.started = True
        return people

    def enrol(
        self, number: int, due: Callable[[int], datetime], name: str = "K", *, steps: int = 1
    ) -> list[Enrolled]:
        """Enrol patients, spread over the branches, each with check-ins to come.

        The n-th one's first is due at *due(n)*, the others (*steps* in all) a day later each.
        """
        new = [
            Enrolled(
                person=person,
                label=f"{name}{place:05}",
                branch=self.branches[place % len(self.branches)],
                due=due(place),
            )
            for place, person in enumerate(self.people(number, name))
        ]
        database = Database(self.database_url)
        database.call(_enrol, new, steps)
        database.close()
        return new

    def put_off(self, after: datetime) -> None:
        """Let the check-ins that fall due after *after* be due next week."""
        database = Database(self.database_url)
        database.call(_put_off, after)
        database.close()


def open_clinic(sandbox: Sandbox, folder: Path, migrated: Path | str, *, disk: Path | None = None) -> Clinic:
    """Set a clinic up. *migrated*: an empty SQLite file with all tables, which is copied; or a database's URL.

    *disk*: where the copy goes, if not into *folder*.
    """
    if isinstance(migrated, Path):
        url = f"sqlite:///{shutil.copy(migrated, (disk or folder) / 'clinic.db')}"
    else:
        url = migrated
    clinic = Clinic(sandbox=sandbox, folder=folder, database_url=url)
    for place in range(BRANCHES):
        physio = sandbox.add_person(f"Physio{place}", phone=False)
        group = sandbox.add_chat(f"Staff {place}", members=[physio])
        group.bot_status = "member"  # since long ago: nobody is told of it now
        clinic.branches.append(Branch(id="main" if place == 0 else f"b{place}", group=group, physio=physio))
    database = Database(url)
    database.migrate()
    database.call(_bind, clinic.branches)
    database.close()
    return clinic


def _bind(session: Session, branches: Sequence[Branch]) -> None:
    for branch in branches:
        groups.bind(session, branch.id, branch.group.id, branch.group.name, "test", datetime.now(UTC))


def _put_off(session: Session, after: datetime) -> None:
    later = {"due_at": after + timedelta(days=7), "expires_at": after + timedelta(days=8)}
    mine = CheckIn.state == CheckInState.SCHEDULED
    session.execute(update(CheckIn).where(mine, CheckIn.due_at > after).values(**later))


def _enrol(session: Session, new: Sequence[Enrolled], steps: int) -> None:
    now = datetime.now(UTC)
    people = [
        Patient(
            chat_id=one.person.id,
            name=one.person.name,
            language="en",
            branch_id=one.branch.id,
            consented_at=now,
        )
        for one in new
    ]
    session.add_all(people)
    session.flush()
    treatments = [
        Treatment(
            branch_id=one.branch.id,
            label=one.label,
            label_folded=one.label.casefold(),
            treated_at=one.due - timedelta(hours=24),
            regions=[REGION],
            plan=PLAN,
            state=TreatmentState.ACTIVE,
            patient_id=patient.id,
            registered_at=now,
            registered_by="test",
        )
        for one, patient in zip(new, people, strict=True)
    ]
    session.add_all(treatments)
    session.flush()
    session.add_all(
        CheckIn(
            treatment_id=treatment.id,
            patient_id=patient.id,
            step=STEP,
            state=CheckInState.SCHEDULED,
            due_at=one.due + place * timedelta(days=1),
            expires_at=one.due + place * timedelta(days=1) + timedelta(hours=10),
            answers={},
        )
        for one, patient, treatment in zip(new, people, treatments, strict=True)
        for place in range(steps)
    )
