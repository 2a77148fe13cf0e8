"""Leaving and looking: stop, forget, what is stored, and what the clinic promises about it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.domain.message import Incoming, Outgoing
from bot.domain.patient import CheckInState
from bot.service import hand_off
from bot.service.turn import Turn
from bot.storage import alerts, check_ins, inbox, outbox, patients, treatments
from bot.storage.database import Session
from bot.storage.tables import Patient


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What an erasure removed."""

    treatments: int
    messages_received: int
    messages_sent: int
    alerts: int


def stop(turn: Turn, _incoming: Incoming) -> None:
    """End all check-ins at once; what is kept stays until it is forgotten, and questions are still answered."""
    if turn.patient is None:
        turn.say(turn.text("stop_stranger"))
        return
    turn.patient.awaiting = None
    if turn.patient.stopped_at is None:
        turn.patient.stopped_at = turn.now
        ended = check_ins.end_all_of(turn.session, turn.patient.id, CheckInState.CANCELLED, turn.now)
        outbox.cancel(turn.session, turn.chat_id, outbox.Purpose.CHECK_IN)
        hand_off.tell_left(turn, "left_stopped", len(ended))
    turn.say(
        turn.text("stopped"),
        ((turn.button("button_resume", "resume"),), (turn.button("button_forget", "forget"),)),
    )


def privacy(turn: Turn, _incoming: Incoming) -> None:
    """Say what is stored, for how long, who reads it, and how to leave."""
    retention = turn.tools.settings.retention
    turn.say(turn.text("privacy", days=retention.patients_days, message_days=retention.messages_days))


def my_data(turn: Turn, _incoming: Incoming) -> None:
    """Send a patient everything that is stored about them, as a file."""
    if turn.patient is None:
        turn.say(turn.text("my_data_stranger"))
        return
    data = export(turn.session, turn.patient)
    written = json.dumps(data, ensure_ascii=False, indent=2).encode()
    turn.put(
        Outgoing(
            kind="document",
            text=turn.text("my_data"),
            file=base64.b64encode(written).decode(),
            file_name="my-aftercare-data.json",
        ),
        purpose=outbox.Purpose.SECRET,
    )


def forget_asked(turn: Turn, incoming: Incoming) -> None:
    """Ask once more before everything is erased; typing "/forget yes" is as good as the button."""
    if turn.patient is None:
        turn.say(turn.text("forget_stranger"))
    elif incoming.arguments.strip().lower() in turn.language.yes_words:
        _forget(turn)
    else:
        turn.say(
            turn.text("forget_ask"),
            (
                (turn.button("button_forget_yes", "forget:yes"),),
                (turn.button("button_forget_no", "forget:no"),),
            ),
        )


def forget(turn: Turn, incoming: Incoming) -> None:
    """Erase everything about a patient, tell staff that they left, and hand out a receipt."""
    step = (incoming.data or "").partition(":")[2]
    if turn.patient is None:
        turn.say(turn.text("forget_stranger"))
    elif step == "yes":
        _forget(turn)
    elif step == "no":
        turn.edit(turn.text("forget_kept"), message_id=incoming.message_id)
    else:
        forget_asked(turn, incoming)


def _forget(turn: Turn) -> None:
    assert turn.patient is not None  # noqa: S101 (the callers looked)
    staff = turn.staff()
    treatment = treatments.newest_of(turn.session, turn.patient.id)
    label = treatment.label if treatment else ""
    receipt = erase(turn.session, turn.patient)
    after = replace(turn, patient=None)
    after.say(
        after.text(
            "forgotten",
            treatments=receipt.treatments,
            received=receipt.messages_received,
            sent=receipt.messages_sent,
        )
    )
    if staff is not None:
        staff.say(staff.text("left_forgotten", label=label or "?"), in_group=True)


def erase(session: Session, patient: Patient) -> Receipt:
    """Erase a patient: treatments, check-ins, answers, messages both ways, and alerts. Return the receipt.

    What remains: the numbers of Telegram's updates (against repeats), and counts that name nobody.
    Messages in Telegram's own chats are the patient's and the clinic's to delete.
    """
    chat_id = patient.chat_id
    rows = treatments.all_of(session, patient.id)
    receipt = Receipt(
        treatments=len(rows),
        alerts=alerts.erase_chat(session, chat_id),
        messages_sent=outbox.erase_chat(session, chat_id),
        messages_received=inbox.erase_chat(session, chat_id),
    )
    for treatment in rows:
        session.delete(treatment)
    patients.erase(session, patient)
    return receipt


def export(session: Session, patient: Patient) -> dict[str, Any]:
    """Return everything that is stored about a patient, and what was said to staff about them, as plain values.

    Moments are ISO 8601 in UTC.
    """
    return {
        "patient": {
            "telegram_chat": patient.chat_id,
            "name": patient.name,
            "language": patient.language,
            "branch": patient.branch_id,
            "time_zone": patient.time_zone,
            "agreed_at": _moment(patient.consented_at),
            "stopped_at": _moment(patient.stopped_at),
            "unreachable_since": _moment(patient.unreachable_at),
        },
        "treatments": [
            {
                "label": treatment.label,
                "treated_at": _moment(treatment.treated_at),
                "regions": treatment.regions,
                "plan": treatment.plan,
                "state": treatment.state,
                "check_ins": [
                    {
                        "step": row.step,
                        "state": row.state,
                        "due_at": _moment(row.due_at),
                        "sent_at": _moment(row.sent_at),
                        "ended_at": _moment(row.ended_at),
                        "answers": row.answers,
                    }
                    for row in check_ins.of_treatment(session, treatment.id)
                ],
            }
            for treatment in treatments.all_of(session, patient.id)
        ],
        "alerts_seen_by_staff": [
            {
                "kind": alert.kind,
                "urgency": alert.urgency,
                "red_flag": alert.red_flag,
                "your_words": alert.said,
                "because": alert.because,
                "raised_at": _moment(alert.raised_at),
                "acknowledged_at": _moment(alert.acknowledged_at),
                "closed_at": _moment(alert.closed_at),
                "outcome": alert.outcome,
            }
            for alert in alerts.of_chat(session, patient.chat_id)
        ],
        "messages_received": [
            {"at": _moment(row.received_at), "update": row.payload}
            for row in inbox.of_chat(session, patient.chat_id)
        ],
        "messages_sent": [
            {
                "at": _moment(row.sent_at),
                "to": "you" if row.chat_id == patient.chat_id else "staff",
                "state": row.state,
                "text": (row.payload or {}).get("text"),
            }
            for row in outbox.of_chat(session, patient.chat_id)
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
