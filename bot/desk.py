"""What the commands are made of: writing a config, asking without a chat, lists as plain values, one patient's data."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot import wiring
from bot.content.loading import load_library
from bot.content.settings import Settings, load_settings
from bot.content.yaml_source import parse
from bot.domain.message import plain, render
from bot.domain.timing import from_local
from bot.service import leave
from bot.service.enrol import NotRegistered, Registered
from bot.service.ports import Tools
from bot.service.understand import understand
from bot.storage import patients, treatments
from bot.storage.database import Database, Session
from bot.storage.tables import CheckIn, Patient, Treatment


class NotFound(Exception):
    """Nothing is stored under that name; the message says what was looked for."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the bot makes of one message: the kind of reply, what it says, and why."""

    kind: str
    text: str
    lang: str
    topic: str | None
    offered: tuple[str, ...]
    urgency: str | None
    red_flag: str | None
    confidence: float
    heading: str
    said: str
    why: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for other programs, without the words meant for a terminal."""
        hidden = {"heading", "said", "why"}
        return {key: value for key, value in asdict(self).items() if key not in hidden}


def example_config() -> Path:
    """Return the supplied example: beside the checkout's `bot/`, or where the wheel puts its data."""
    beside = Path(__file__).resolve().parents[1] / "config.example.yaml"
    return beside if beside.is_file() else Path(sys.prefix) / "share" / "aftercare" / "config.example.yaml"


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


def tools_for_lists(settings: Settings, database: Database) -> Tools:
    """Return tools for commands that register and list but answer no questions (no matcher is learned)."""
    return Tools(
        database=database,
        settings=settings,
        library=load_library(settings),
        matchers={},
        random_bits=secrets.randbits,
    )


def ask(settings: Settings, text: str, language_code: str | None) -> Reply:
    """Return what the bot makes of *text*, as it would in a chat: red flags first, then small talk, then topics."""
    library = load_library(settings)
    language = library.language(language_code)
    values = settings.variables(None)

    def reply(kind: str, heading: str, template: str = "", why: Sequence[str] = (), **more: Any) -> Reply:
        rest = {"topic": None, "offered": (), "urgency": None, "red_flag": None, "confidence": 0.0, **more}
        said = plain(render(template, values)) if template else ""
        return Reply(
            kind=kind, text=text, lang=language.code, heading=heading, said=said, why=tuple(why), **rest
        )

    meant = understand(library, language, wiring.matchers_for(library)[language.code], text)
    if meant.finding is not None:
        finding = meant.finding
        words = language.red_flags[finding.red_flag]
        return reply(
            "red_flag",
            f"Red flag ({finding.urgency}): {words.title}",
            words.say,
            (f"rule {finding.rule}: {' … '.join(finding.because)}",),
            urgency=str(finding.urgency),
            red_flag=finding.red_flag,
            confidence=1.0,
        )
    if meant.small_talk is not None:
        talk = language.small_talk[meant.small_talk]
        return reply("smalltalk", f"Small talk: {meant.small_talk}", talk.reply)
    decision = meant.decision
    why = [f"{guess.confidence:.2f}  {guess.topic}" for guess in decision.guesses]
    if meant.doubt is not None:
        why.insert(
            0,
            f"asks about a sign of danger ({meant.doubt.red_flag}): the reply says what to do if it is there now",
        )
    best = decision.guesses[0].confidence if decision.guesses else 0.0
    if decision.answer is not None:
        topic = language.topics[decision.answer]
        why.insert(0, f"answer from {topic.where}")
        return reply("answer", f"Answer: {topic.title}", topic.answer, why, topic=topic.id, confidence=best)
    if decision.offers:
        titles = ", ".join(language.topics[id_].title for id_ in decision.offers)
        return reply("offer", f"Offer: {titles}", "", why, offered=decision.offers, confidence=best)
    return reply("hand_over", "Hand over to the clinic", language.phrases["not_found"], why, confidence=best)


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
