"""The tables. Every moment is aware UTC; every state is a word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from bot.domain.timing import require_aware


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused at the door."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write UTC (without its name where the database has no zones)."""
        if value is None:
            return None
        moment = require_aware(value).astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; JSON columns hold plain mappings."""

    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 (SQLAlchemy's way)


class Patient(Base):
    """A person who agreed. Before that nobody has a row here."""

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    name: Mapped[str] = mapped_column(String(256))
    language: Mapped[str] = mapped_column(String(8))
    branch_id: Mapped[str] = mapped_column(String(20))
    consented_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    unreachable_at: Mapped[datetime | None]
    #: The patient's own time zone, such as Asia/Tokyo; None: the branch's.
    time_zone: Mapped[str | None] = mapped_column(String(64))
    #: What the next words of this patient are for: "hand_over", "time_zone", or nothing.
    awaiting: Mapped[str | None] = mapped_column(String(20))
    #: A question that may still be passed on to the clinic with a tap.
    last_question: Mapped[str | None] = mapped_column(Text)


class Treatment(Base):
    """One session: when, where on the body, at which branch, followed by which plan."""

    __tablename__ = "treatments"

    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[str] = mapped_column(String(20), index=True)
    label: Mapped[str] = mapped_column(String(40), index=True)
    #: The label without its case, to look it up by: SQLite folds the case of ASCII only.
    label_folded: Mapped[str] = mapped_column(String(120))
    treated_at: Mapped[datetime] = mapped_column(index=True)
    regions: Mapped[list[str]]
    plan: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(80))

    patient: Mapped[Patient | None] = relationship()


class Invite(Base):
    """A one-time link to a treatment; only the hash of its code is kept."""

    __tablename__ = "invites"

    id: Mapped[int] = mapped_column(primary_key=True)
    treatment_id: Mapped[int] = mapped_column(ForeignKey("treatments.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class CheckIn(Base):
    """One step for one treatment."""

    __tablename__ = "check_ins"
    __table_args__ = (
        Index("check_ins_due", "state", "due_at"),
        Index("check_ins_nudge", "state", "nudge_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    treatment_id: Mapped[int] = mapped_column(ForeignKey("treatments.id", ondelete="CASCADE"), index=True)
    #: Set when the patient agrees; a check-in without a patient is not sent.
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    #: When the patient first saw a question of it; before that, it has only been announced.
    started_at: Mapped[datetime | None]
    nudge_at: Mapped[datetime | None]
    nudged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: The question whose answer the patient is changing, if any.
    correcting: Mapped[str | None] = mapped_column(String(20))

    treatment: Mapped[Treatment] = relationship()


class Alert(Base):
    """Something staff must see, until a person has acknowledged it and closed it with an outcome."""

    __tablename__ = "alerts"
    __table_args__ = (Index("alerts_again", "state", "raise_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[str] = mapped_column(String(20), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), index=True)
    #: The chat it is about: a patient's, or that of a stranger in danger.
    chat_id: Mapped[int] = mapped_column(BigInteger, index=True)
    treatment_id: Mapped[int | None] = mapped_column(
        ForeignKey("treatments.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(12))
    urgency: Mapped[str] = mapped_column(String(12))
    red_flag: Mapped[str | None] = mapped_column(String(40))
    because: Mapped[str] = mapped_column(Text, default="")
    said: Mapped[str] = mapped_column(Text, default="")
    who: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(12))
    raised_at: Mapped[datetime]
    #: When it is raised again unless acknowledged; None: never.
    raise_at: Mapped[datetime | None]
    times_raised: Mapped[int] = mapped_column(default=1)
    #: When the patient is told that nobody has seen it yet; None: told, or not to be told.
    tell_patient_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(256))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(256))
    outcome: Mapped[str | None] = mapped_column(String(12))

    patient: Mapped[Patient | None] = relationship()
    treatment: Mapped[Treatment | None] = relationship()


class InboxRow(Base):
    """An update as Telegram gave it; stored before it is acknowledged. The id stays, against repeats."""

    __tablename__ = "inbox"
    __table_args__ = (Index("inbox_next", "state", "seq"),)

    #: The order of arrival. `update_id` may jump after a quiet week, so it is a key and no order.
    seq: Mapped[int] = mapped_column(primary_key=True)
    update_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime | None]
    payload: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(String(300))
    handled_at: Mapped[datetime | None]


class OutboxRow(Base):
    """A message the bot decided to send. Everything it says leaves through here."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_next", "state", "priority", "id"),
        Index("outbox_sent", "chat_id", "message_id"),
        Index("outbox_slot", "chat_id", "slot"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    payload: Mapped[dict[str, Any] | None]
    slot: Mapped[str | None] = mapped_column(String(60))
    #: Whom a message in the staff group is about: a reply to it goes to this chat.
    about_chat: Mapped[int | None] = mapped_column(BigInteger, index=True)
    alert_id: Mapped[int | None]
    #: "relay": staff are told when it arrived; "check_in"; "stranger": erased once sent; "secret": words erased once sent.
    purpose: Mapped[str | None] = mapped_column(String(12))
    created_at: Mapped[datetime]
    send_at: Mapped[datetime]
    useful_until: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None] = mapped_column(String(300))


class StaffGroup(Base):
    """The Telegram group of a branch."""

    __tablename__ = "staff_groups"

    branch_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    title: Mapped[str] = mapped_column(String(256))
    bound_at: Mapped[datetime]
    bound_by: Mapped[str] = mapped_column(String(256))


class SetupCode(Base):
    """A one-time code that binds a group to a branch; only its hash is kept."""

    __tablename__ = "setup_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    branch_id: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Draft(Base):
    """A registration that a staff member is filling in with buttons."""

    __tablename__ = "drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger, index=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class Lease(Base):
    """Who may handle, send and schedule just now; one row."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    holder: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime]


class Note(Base):
    """A fact the program keeps for itself, such as the bot's user name."""

    __tablename__ = "notes"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Count(Base):
    """How often something happened on a day (UTC), without saying to whom."""

    __tablename__ = "counts"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
