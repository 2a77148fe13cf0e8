"""The states of what is followed: check-ins, alerts, treatments, and the outcomes staff may give."""

from __future__ import annotations

from enum import StrEnum


class CheckInState(StrEnum):
    """`scheduled → sent → answered`, or one of the ways in which it ends otherwise."""

    SCHEDULED = "scheduled"
    SENT = "sent"
    ANSWERED = "answered"
    MISSED = "missed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class TreatmentState(StrEnum):
    """A treatment is followed until a newer one supersedes it, or it is cancelled."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class AlertState(StrEnum):
    """`open → acknowledged → closed`."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class AlertKind(StrEnum):
    """Why staff must look: a sign of danger, a possible one, a worrying answer, or a message for them."""

    RED_FLAG = "red_flag"
    CHECK = "check"
    CHECK_IN = "check_in"
    QUESTION = "question"


class AlertOutcome(StrEnum):
    """How staff close an alert; one of these is required."""

    NO_ACTION = "no_action"
    ADVISED = "advised"
    SEEN = "seen"
    EMERGENCY = "emergency"
