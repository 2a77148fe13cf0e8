"""What the commands are made of: writing a config, asking without a chat, lists as plain values, one patient's data."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.content.settings import Settings, example_config, load_settings
from bot.content.yaml_source import parse
from bot.domain.timing import from_local
from bot.domain.trouble import Trouble
from bot.learning import load_words
from bot.service import leave
from bot.service.enrol import NotRegistered, Registered
from bot.service.ports import Tools
from bot.storage import patients, treatments
from bot.storage.database import Database, Session
from bot.storage.tables import CheckIn, Patient, Treatment


class NotFound(Trouble):
    """Nothing is stored under that name; the message says what was looked for."""


def write_config(path: Path, answers: dict[str, str | None]) -> None:
    """Write the example, with its comments, and *answers* in place of its values; raise `Faults` if one is none.

    Nothing is written unless the outcome loads.
    """
    text = example_config().read_text(encoding="utf-8")
    for key, value in answers.items():
        written = json.dumps(value, ensure_ascii=False)
        comment = r"(\s+#.*)?$"
        text = re.sub(
            rf"^(\s*(?:- )?{key}: )(?:\"[^\"]*\"|[^#\n]*?){comment}",
            rf"\g<1>{_escaped(written)}\g<2>",
            text,
            count=1,
            flags=re.MULTILINE,
        )
    name = json.dumps(answers["name"], ensure_ascii=False)
    text = text.replace("name: Example Physio Orchard", f"name: {name}")
    parse(text, path.name).read_as(Settings)
    path.write_text(text, encoding="utf-8")
    load_settings(path)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Open the clinic's database for one command, with its tables up to date."""
    database = Database(settings.database.url)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def tools_for_lists(settings: Settings, database: Database) -> Tools:
    """Return tools for commands that register and list but answer no questions (no matcher is learned)."""
    return Tools(
        database=database,
        settings=settings,
        library=load_words(settings),
        minds={},
        random_bits=secrets.randbits,
    )


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """Read "2026-11-20T15:00" as a moment (a time without a zone is the branch's); raise `NotRegistered` if it is none."""
    try:
        return from_local(datetime.fromisoformat(text), zone)
    except ValueError:
        raise NotRegistered(f"'{text}' is no date and time; write it as 2026-11-20T15:00.") from None


def registered_as_dict(done: Registered, zone: ZoneInfo) -> dict[str, Any]:
    """Return a registration as plain values; moments are ISO 8601 in UTC, and local beside it."""
    return {
        "label": done.treatment.label,
        "plan": done.treatment.plan,
        "branch": done.treatment.branch_id,
        "link": done.link,
        "code": done.code,
        "expires_at": done.expires_at.isoformat(),
        "check_ins": [
            {
                "step": row.step,
                "due_at": row.due_at.isoformat(),
                "due_at_local": row.due_at.astimezone(zone).isoformat(),
            }
            for row in done.check_ins
        ],
    }


def due_as_dict(row: CheckIn, zone: ZoneInfo) -> dict[str, Any]:
    """Return a check-in to come as plain values."""
    return {
        "label": row.treatment.label,
        "branch": row.treatment.branch_id,
        "step": row.step,
        "due_at": row.due_at.isoformat(),
        "due_at_local": row.due_at.astimezone(zone).isoformat(),
        "accepted": row.patient_id is not None,
    }


def export(session: Session, label: str | None, chat_id: int | None) -> dict[str, Any]:
    """Return everything stored about one patient; raise `NotFound`."""
    patient, _treatments = _find(session, label, chat_id)
    if patient is None:
        raise NotFound(
            f"Nobody has accepted an invitation for '{label}', so there is no patient's data to export."
        )
    return leave.export(session, patient)


def erase(session: Session, label: str | None, chat_id: int | None) -> str:
    """Erase one patient (or a treatment whose invitation nobody accepted) and return the receipt in words."""
    patient, found = _find(session, label, chat_id)
    if patient is None:
        for treatment in found:
            session.delete(treatment)
        return f"Erased: {len(found)} treatment(s) whose invitation nobody had accepted."
    receipt = leave.erase(session, patient)
    return (
        f"Erased: {receipt.treatments} treatment(s), {receipt.messages_received} message(s) from the patient, "
        f"{receipt.messages_sent} message(s) to or about them, {receipt.alerts} alert(s).\n"
        "What remains: the chats in Telegram itself (the patient's and the staff group's), backups you made, "
        "and counts that name nobody."
    )


def _find(session: Session, label: str | None, chat_id: int | None) -> tuple[Patient | None, list[Treatment]]:
    if chat_id is not None:
        patient = patients.by_chat(session, chat_id)
        if patient is None:
            raise NotFound(f"There is no patient with the chat {chat_id}.")
        return patient, []
    found = treatments.with_label(session, label or "")
    if not found:
        raise NotFound(f"There is no treatment with the label '{label}'.")
    people = {treatment.patient_id for treatment in found if treatment.patient_id is not None}
    if len(people) > 1:
        raise NotFound(f"The label '{label}' belongs to {len(people)} patients; name one by --chat.")
    return (patients.by_id(session, people.pop()) if people else None), found
