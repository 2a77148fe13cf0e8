"""A clinic for a benchmark: its settings, its database, and as many patients as it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from sqlalchemy import Connection, Table, delete, insert, select, text

from bot import wiring
from bot.asking import read_lines
from bot.content.settings import Settings, example_config, load_settings
from bot.service import enrol
from bot.service.ports import Tools
from bot.storage import groups, patients
from bot.storage.database import Database, Session
from bot.storage.tables import Base, CheckIn, Patient, Treatment
from tests.bench.process import CACHE, ROOT

#: How many rows go into the database at once.
AT_ONCE = 5_000
FAR = timedelta(days=10)


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """Where its settings stand, what they say, and what is made of them."""

    config: Path
    settings: Settings
    tools: Tools

    @property
    def database(self) -> Database:
        """Its database; close it before the bot runs on it."""
        return self.tools.database

    def change(self, **telegram: Any) -> None:
        """Change settings of Telegram in the file: pace, webhook."""
        content = yaml.safe_load(self.config.read_text())
        content["telegram"] |= telegram
        self.config.write_text(yaml.safe_dump(content))


@contextlib.contextmanager
def open_clinic(url: str, *, database_url: str | None = None, **telegram: Any) -> Iterator[Clinic]:
    """Give a clinic whose bot speaks to the emulator at *url*: no quiet hours, everything else as supplied.

    The first of them learns the words, if nobody has yet on this machine: what is measured starts warm.
    """
    with TemporaryDirectory(prefix="aftercare-bench-") as folder:
        config = Path(folder) / "config.yaml"
        content = yaml.safe_load(example_config().read_text())
        content["telegram"] |= {"api_url": url, **telegram}
        content["quiet_hours"] = {"start": "00:00", "end": "00:00"}
        content["database"] = {"url": database_url or "sqlite:///bench.db"}
        content["content"] |= {"cache": str(CACHE / "aftercare")}
        config.write_text(yaml.safe_dump(content))
        settings = load_settings(config)
        tools = wiring.build_tools(settings)
        try:
            yield Clinic(config=config, settings=settings, tools=tools)
        finally:
            tools.database.close()


def questions(number: int = 200) -> list[str]:
    """Return what people ask: the first of the project's own lines in English that have a topic."""
    rows = read_lines(ROOT / "tests/lines/inscope.tsv")
    return [row["text"] for row in rows if row["lang"] == "en"][:number]


# --- patients --------------------------------------------------------------------------------------------


def enrol_many(
    clinic: Clinic,
    number: int,
    *,
    chat: Callable[[int], int],
    due: Callable[[int], datetime] | None = None,
    steps: int = 1,
) -> None:
    """Enrol so many patients more, each with a treatment of yesterday and *steps* check-ins that are scheduled.

    The first is enrolled as a clinic would; the others are that one's copies, straight into the tables. *due*: when
    the first check-in of a patient is due (the others a day later each); None: in ten days.
    """
    now = datetime.now(UTC)
    moment = due or (lambda _place: now + FAR)
    clinic.database.call(_enrol_first, clinic.tools, now, chat(0))
    with clinic.database.unhurried() as connection:
        patient, treatment, check_in = (_newest(connection, model) for model in (Patient, Treatment, CheckIn))
        connection.execute(delete(CheckIn).where(CheckIn.treatment_id == treatment["id"]))
        for begin in range(0, number, AT_ONCE):
            places = range(begin, min(begin + AT_ONCE, number))
            copies = [place for place in places if place > 0]
            _insert(connection, Patient, [
                {**patient, "id": patient["id"] + place, "chat_id": chat(place)} for place in copies
            ])  # fmt: skip
            _insert(connection, Treatment, [
                {**treatment, "id": treatment["id"] + place, "patient_id": patient["id"] + place}
                for place in copies
            ])  # fmt: skip
            _insert(connection, CheckIn, [
                {
                    **check_in,
                    "id": check_in["id"] + place * steps + step,
                    "treatment_id": treatment["id"] + place,
                    "patient_id": patient["id"] + place,
                    "due_at": moment(place) + step * timedelta(days=1),
                    "expires_at": moment(place) + step * timedelta(days=1) + timedelta(hours=20),
                }
                for place in places
                for step in range(steps)
            ])  # fmt: skip
        if connection.dialect.name == "postgresql":
            for name in ("patients", "treatments", "check_ins"):
                connection.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))


def _enrol_first(session: Session, tools: Tools, now: datetime, chat_id: int) -> None:
    """Register a treatment of yesterday and let the patient join it."""
    groups.write_note(session, enrol.BOT_NAME, "aftercare_sandbox_bot")
    treated_at = now - timedelta(days=1)
    done = enrol.register(
        session, tools, now, label="B1", treated_at=treated_at, regions=("lower_back",), by="bench"
    )
    patient = patients.agree(
        session, chat_id=chat_id, name="P0", language="en", branch_id=done.treatment.branch_id, now=now
    )
    done.treatment.patient_id = patient.id


def _newest(connection: Connection, model: type[Base]) -> dict[str, Any]:
    table = model.__table__
    return dict(connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().one())


def _insert(connection: Connection, model: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        table = model.__table__
        assert isinstance(table, Table)
        connection.execute(insert(table), rows)
