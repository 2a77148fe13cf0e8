"""One turn of a conversation: who it is with, in which language, at which moment, and how to speak in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.content.library import Language
from bot.content.places import country_of, zone_called
from bot.domain.message import Button, Incoming, Outgoing, Priority, Rows, render
from bot.domain.timing import day_distance, local_time
from bot.service.ports import Tools
from bot.service.understand import Danger
from bot.storage import groups, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import Purpose
from bot.storage.tables import OutboxRow, Patient


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A transaction in which the bot speaks with one chat: a patient's, a stranger's, or a staff group's.

    written_at: when what it is about was written, if that was long before *now*: see `delay`. danger: what speaks for
    danger in the words that it is about; None in a turn that the bot begins.
    """

    session: Session
    tools: Tools
    now: datetime
    chat_id: int
    name: str
    patient: Patient | None
    language: Language
    branch_id: str
    written_at: datetime | None = None
    danger: Danger | None = None

    @classmethod
    def of(cls, session: Session, tools: Tools, incoming: Incoming, now: datetime) -> Turn:
        """Return the turn that an update from a private chat begins."""
        patient = patients.by_chat(session, incoming.chat_id)
        if patient is not None:
            return cls.with_patient(session, tools, patient, now)
        return cls(
            session=session,
            tools=tools,
            now=now,
            chat_id=incoming.chat_id,
            name=incoming.sender.name,
            patient=None,
            language=tools.library.language(incoming.sender.language),
            branch_id=tools.settings.branch(None).id,
        )

    @classmethod
    def with_patient(cls, session: Session, tools: Tools, patient: Patient, now: datetime) -> Turn:
        """Return a turn in which the bot speaks to a patient of its own accord."""
        return cls(
            session=session,
            tools=tools,
            now=now,
            chat_id=patient.chat_id,
            name=patient.name,
            patient=patient,
            language=tools.library.language(patient.language),
            branch_id=patient.branch_id,
        )

    @classmethod
    def with_chat(cls, session: Session, tools: Tools, chat_id: int, branch_id: str, now: datetime) -> Turn:
        """Return a turn with a patient's or a stranger's chat, known by its id only."""
        patient = patients.by_chat(session, chat_id)
        if patient is not None:
            return cls.with_patient(session, tools, patient, now)
        return replace(cls.with_group(session, tools, chat_id, branch_id, now), name="")

    @classmethod
    def with_group(cls, session: Session, tools: Tools, chat_id: int, branch_id: str, now: datetime) -> Turn:
        """Return a turn with a branch's staff group."""
        return cls(
            session=session,
            tools=tools,
            now=now,
            chat_id=chat_id,
            name="",
            patient=None,
            language=tools.library.language(None),
            branch_id=branch_id,
        )

    def staff(self) -> Turn | None:
        """Return a turn with the staff group of this chat's branch, or None if no group is bound."""
        group = groups.of_branch(self.session, self.branch_id)
        return None if group is None else replace(self.clinic(), chat_id=group.chat_id)

    def clinic(self) -> Turn:
        """Return a turn that writes as staff read it: in their language, on the branch's clock. It has no chat."""
        return Turn.with_group(self.session, self.tools, 0, self.branch_id, self.now)

    # --- words -------------------------------------------------------------------------------------------

    def text(self, key: str, /, **values: object) -> str:
        """Return one of the bot's own phrases as safe HTML."""
        return self.fill(self.language.phrases[key], **values)

    def fill(self, template: str, **values: object) -> str:
        """Fill a template of the content with the clinic's variables and *values*; all values are escaped."""
        return render(
            template, {**self.tools.settings.variables(self.branch_id), **self._away_words(), **values}
        )

    def _away_words(self) -> dict[str, str]:
        """Return what reads differently for a patient who is not where the clinic is: its hours, numbers to call."""
        if self.patient is None or self.patient.time_zone is None:
            return {}
        phrases, words = self.language.phrases, self.tools.settings.variables(self.branch_id)
        away = {}
        if not self._shares_clock(self.now):
            away["clinic.hours"] = phrases["hours_of_clinic"].format(hours=words["clinic.hours"])
        if self.is_abroad:
            for name in ("emergency.number", "crisis.line"):
                away[name] = phrases["number_abroad"].format(number=words[name])
        return away

    @property
    def is_abroad(self) -> bool:
        """Whether the patient set a time zone that is not one of the clinic's country: its numbers may not work there."""
        own = self.patient.time_zone if self.patient is not None else None
        return own is not None and country_of(own) != country_of(self.clinic().zone.key)

    def _shares_clock(self, moment: datetime) -> bool:
        there = local_time(moment, self.clinic().zone)
        return there.utcoffset() == local_time(moment, self.zone).utcoffset()

    def button(self, key: str, data: str) -> Button:
        """Return a button whose label is one of the bot's phrases."""
        return Button(label=self.language.phrases[key], data=data)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which this chat reads times: the patient's own, if there is one, else the branch's."""
        return zone_of(self.tools, self.patient, self.branch_id)

    def clock(self, moment: datetime) -> str:
        """Write the time of day: "15:10"."""
        return f"{local_time(moment, self.zone):%H:%M}"

    def when(self, moment: datetime) -> str:
        """Write a moment as a person would: "today at 15:10", "tomorrow at 15:10", "Sat 21 Nov at 15:10"."""
        near = {0: "time_today", 1: "time_tomorrow", -1: "time_yesterday"}
        return self._moment(moment, near.get(day_distance(moment, self.now, self.zone), "time_other"))

    def date(self, moment: datetime) -> str:
        """Write a moment so that it is true on any day it is read: "Sat 21 Nov at 15:10"."""
        return self._moment(moment, "time_other")

    def opening(self, moment: datetime) -> str:
        """Write when the branch opens: on the clinic's clock and on the patient's, where the two differ."""
        if self._shares_clock(moment):
            return self.when(moment)
        there = replace(self.clinic(), language=self.language)
        return self.language.phrases["time_of_clinic"].format(
            there=there.date(moment), here=self.date(moment)
        )

    def _moment(self, moment: datetime, key: str) -> str:
        local = local_time(moment, self.zone)
        phrases = self.language.phrases
        return phrases[key].format(
            clock=self.clock(moment),
            weekday=phrases["weekdays"].split()[local.weekday()],
            day=local.day,
            month=phrases["months"].split()[local.month - 1],
        )

    # --- speech ------------------------------------------------------------------------------------------

    def say(
        self,
        text: str,
        buttons: Rows = (),
        *,
        priority: Priority = Priority.REPLY,
        reply_to: int | None = None,
        slot: str | None = None,
        purpose: Purpose | None = None,
        about_chat: int | None = None,
        alert_id: int | None = None,
        useful_until: datetime | None = None,
        in_group: bool = False,
    ) -> OutboxRow:
        """Put a message in line for this chat; what is said to a stranger is erased once it is sent."""
        return self.put(
            Outgoing(text=text, buttons=buttons, slot=slot, reply_to=reply_to),
            priority=priority,
            purpose=purpose,
            about_chat=about_chat,
            alert_id=alert_id,
            useful_until=useful_until,
            in_group=in_group,
        )

    def edit(
        self,
        text: str,
        buttons: Rows = (),
        *,
        message_id: int | None = None,
        slot: str | None = None,
        about_chat: int | None = None,
        alert_id: int | None = None,
        in_group: bool = False,
    ) -> OutboxRow:
        """Replace a message that was sent: *message_id*, or the newest one under *slot*."""
        outgoing = Outgoing(kind="edit", text=text, buttons=buttons, message_id=message_id, slot=slot)
        return self.put(outgoing, about_chat=about_chat, alert_id=alert_id, in_group=in_group)

    def put(
        self,
        outgoing: Outgoing,
        *,
        priority: Priority = Priority.REPLY,
        purpose: Purpose | None = None,
        about_chat: int | None = None,
        alert_id: int | None = None,
        useful_until: datetime | None = None,
        in_group: bool = False,
    ) -> OutboxRow:
        """Put any kind of message in line for this chat."""
        if self.patient is None and not in_group and purpose is None:
            purpose = Purpose.STRANGER
        return outbox.add(
            self.session,
            self.chat_id,
            outgoing,
            self.now,
            priority=priority,
            purpose=purpose,
            about_chat=about_chat,
            alert_id=alert_id,
            useful_until=useful_until,
        )


def zone_of(tools: Tools, patient: Patient | None, branch_id: str) -> ZoneInfo:
    """Return the time zone that counts for a patient's night and clock: their own, else the branch's.

    One that the tz database no longer has counts as none.
    """
    own = zone_called(patient.time_zone) if patient is not None and patient.time_zone is not None else None
    return own or tools.settings.zone(branch_id)
