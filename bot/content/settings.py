"""The clinic's settings: one YAML file, checked whole. Secrets are never in it; they come from the environment."""

from __future__ import annotations

import re
import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.content.yaml_source import read
from bot.domain.timing import QuietHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ID = re.compile(r"^[a-z][a-z0-9_]{0,19}$")
_SPAN = re.compile(r"^(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$")


def _zone(name: object) -> object:
    if not isinstance(name, str) or name not in available_timezones():
        raise ValueError(f"'{name}' is no time zone; write one such as Asia/Singapore")
    return name


def _clock(value: object) -> time:
    """Read "21:00"."""
    if isinstance(value, time):
        return value
    try:
        return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 (a wall-clock time, its zone is beside it)
    except ValueError:
        raise ValueError(f"'{value}' is no time; write it as '21:00'") from None


def _spans(value: object) -> object:
    """Read "09:00-13:00, 14:00-18:00" or "closed" into spans of opening."""
    if isinstance(value, tuple):
        return value
    text = str(value).strip().lower()
    if text == "closed":
        return ()
    spans = []
    for part in text.split(","):
        match = _SPAN.match(part.strip())
        if not match:
            raise ValueError(f"'{value}' are no opening hours; write '09:00-18:00' or closed")
        start, end = _clock(match[1]), _clock(match[2])
        if start >= end:
            raise ValueError(f"'{part.strip()}' ends before it starts")
        spans.append((start, end))
    return tuple(spans)


def _branch_id(value: str) -> str:
    if not _ID.match(value):
        raise ValueError(f"'{value}' is no id; use up to 20 small letters, digits and _")
    return value


def _whole_address(value: str) -> str:
    if value.rstrip().endswith(","):
        raise ValueError("the address ends with a comma: YAML takes ' #…' for a comment; put it in quotes")
    return value


def _root(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/?", value):
        raise ValueError(f"'{value}' is no server's address; write one such as http://127.0.0.1:8081")
    return value.rstrip("/")


def _webhook(value: str) -> str:
    """Accept what Telegram accepts; plain http only on this machine, for a Bot API server that runs here too."""
    if re.fullmatch(r"https://[^/\s?#]+(/[^\s?#]*)?", value):
        return value
    if re.fullmatch(r"http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?", value):
        return value
    raise ValueError(f"'{value}' is no webhook's address; write one such as https://bot.example.com/telegram")


Clock = Annotated[time, BeforeValidator(_clock)]
Spans = Annotated[tuple[tuple[time, time], ...], BeforeValidator(_spans)]
ZoneName = Annotated[str, BeforeValidator(_zone)]
Line = Annotated[str, Field(min_length=1, max_length=200)]


#: The one secret, and the environment variable it comes from; it never stands in a file.
TOKEN = "TELEGRAM_BOT_TOKEN"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Part):
    """When a branch is open, day by day, in its own time zone."""

    mon: Spans = ()
    tue: Spans = ()
    wed: Spans = ()
    thu: Spans = ()
    fri: Spans = ()
    sat: Spans = ()
    sun: Spans = ()

    def spans(self, weekday: int) -> tuple[tuple[time, time], ...]:
        """Return the opening spans of a weekday (0: Monday)."""
        spans: tuple[tuple[time, time], ...] = getattr(self, DAYS[weekday])
        return spans

    def written(self) -> str:
        """Return the week in words: "Mon–Fri 09:00–18:00, Sat 09:00–13:00"."""
        runs: list[tuple[int, int, str]] = []
        for day in range(7):
            text = " and ".join(f"{a:%H:%M}–{b:%H:%M}" for a, b in self.spans(day))
            if not text:
                continue
            if runs and runs[-1][1] == day - 1 and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], day, text)
            else:
                runs.append((day, day, text))
        names = [day.capitalize() for day in DAYS]
        return (
            ", ".join(f"{names[a]}{'' if a == b else '–' + names[b]} {text}" for a, b, text in runs)
            or "by appointment"
        )


class Branch(_Part):
    """A site of the clinic. What it leaves out, it has from the clinic."""

    id: Annotated[str, AfterValidator(_branch_id)]
    name: Line
    address: Annotated[Line, AfterValidator(_whole_address)]
    hours: Hours
    phone: Line | None = None
    time_zone: ZoneName | None = None


class Clinic(_Part):
    """Who the clinic is, and whom to call."""

    name: Line
    phone: Line
    time_zone: ZoneName
    emergency_number: Line
    crisis_line: Line
    closed_advice: Annotated[str, Field(min_length=1, max_length=300)]
    branches: Annotated[tuple[Branch, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Clinic:
        ids = [branch.id for branch in self.branches]
        if len(set(ids)) != len(ids):
            raise ValueError("two branches have the same id; give each its own")
        return self


class Quiet(_Part):
    """The patient's night; nothing is asked in it."""

    start: Clock = time(21)
    end: Clock = time(8)


class Telegram(_Part):
    """Which Bot API server is spoken to, how fast, and how updates come.

    webhook_url: where Telegram brings them (https); None: the bot fetches them. webhook_listen: where this process
    waits for them, ``address:port``, behind the proxy that ends https.
    """

    api_url: Annotated[str, AfterValidator(_root)] = "https://api.telegram.org"
    messages_per_second: Annotated[int, Field(ge=1, le=1000)] = 30
    webhook_url: Annotated[str, AfterValidator(_webhook)] | None = None
    webhook_listen: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] = "127.0.0.1:8080"


def _database(value: str) -> str:
    """Accept the two kinds there are. Of anything else only the scheme is repeated: a password may stand anywhere in it."""
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        scheme = re.match(r"[a-z][a-z0-9+.-]*://", value)
        what = f"'{scheme[0]}…'" if scheme else "this"
        raise ValueError(
            f"{what} is no database; write sqlite:///aftercare.db "
            "or postgresql+psycopg://user@host/name (the password from PGPASSWORD)"
        )
    return value


class Storage(_Part):
    """Where the data is kept: an SQLAlchemy URL of an SQLite file or a PostgreSQL database."""

    url: Annotated[str, AfterValidator(_database)] = "sqlite:///aftercare.db"


class Content(_Part):
    """The languages the bot speaks, and the clinic's own words beside the supplied ones.

    cache: where what was learned of the words is kept, so that the next start is quick; None: the user's cache folder.
    """

    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    overlay: Path | None = None
    cache: Path | None = None


class Retention(_Part):
    """How long what is kept is kept, in days."""

    patients_days: Annotated[int, Field(ge=1, le=3650)] = 180
    messages_days: Annotated[int, Field(ge=1, le=3650)] = 30


class Invites(_Part):
    """How long an unopened invite works, in days."""

    valid_days: Annotated[int, Field(ge=1, le=60)] = 7


class Alerts(_Part):
    """When an alert that nobody has acknowledged is raised again, in minutes."""

    emergency_again_minutes: Annotated[int, Field(ge=1, le=120)] = 5
    same_day_again_minutes: Annotated[int, Field(ge=5, le=720)] = 60
    tell_patient_after_minutes: Annotated[int, Field(ge=1, le=120)] = 10


class Settings(_Part):
    """Everything a clinic sets. Secrets (`TELEGRAM_BOT_TOKEN`) are not here."""

    clinic: Clinic
    quiet_hours: Quiet = Quiet()
    telegram: Telegram = Telegram()
    database: Storage = Storage()
    content: Content = Content()
    retention: Retention = Retention()
    invites: Invites = Invites()
    alerts: Alerts = Alerts()
    logs: Literal["text", "json"] = "text"

    def branch(self, branch_id: str | None) -> Branch:
        """Return the branch with this id, or the first one."""
        wanted = [branch for branch in self.clinic.branches if branch.id == branch_id]
        return wanted[0] if wanted else self.clinic.branches[0]

    def zone(self, branch_id: str | None) -> ZoneInfo:
        """Return the time zone of a branch."""
        return ZoneInfo(self.branch(branch_id).time_zone or self.clinic.time_zone)

    @property
    def quiet(self) -> QuietHours:
        """The quiet hours as the domain knows them."""
        return QuietHours(start=self.quiet_hours.start, end=self.quiet_hours.end)

    def is_open(self, branch_id: str | None, now: datetime) -> bool:
        """Tell whether a branch is open at *now*."""
        local = now.astimezone(self.zone(branch_id))
        return any(
            start <= local.time() < end for start, end in self.branch(branch_id).hours.spans(local.weekday())
        )

    def next_opening(self, branch_id: str | None, now: datetime) -> datetime | None:
        """Return when a branch next opens after *now* (local time), or None if it never does."""
        zone = self.zone(branch_id)
        local = now.astimezone(zone)
        for ahead in range(8):
            day = local.date() + timedelta(days=ahead)
            for start, _end in sorted(self.branch(branch_id).hours.spans(day.weekday())):
                opening = datetime.combine(day, start, zone)
                if opening > local:
                    return opening
        return None

    def variables(self, branch_id: str | None) -> dict[str, str]:
        """Return what texts may name, such as ``clinic.phone``, for one branch."""
        branch = self.branch(branch_id)
        return {
            "clinic.name": self.clinic.name,
            "clinic.phone": branch.phone or self.clinic.phone,
            "clinic.address": branch.address,
            "clinic.hours": branch.hours.written(),
            "clinic.branches": "\n\n".join(self._written(branch) for branch in self.clinic.branches),
            "clinic.closed_advice": self.clinic.closed_advice,
            "emergency.number": self.clinic.emergency_number,
            "crisis.line": self.clinic.crisis_line,
        }

    def _written(self, branch: Branch) -> str:
        return (
            f"{branch.name}\n{branch.address}\n{branch.phone or self.clinic.phone}\n{branch.hours.written()}"
        )


#: The names that texts may put in braces.
VARIABLES = frozenset(
    {
        "clinic.name",
        "clinic.phone",
        "clinic.address",
        "clinic.hours",
        "clinic.branches",
        "clinic.closed_advice",
        "emergency.number",
        "crisis.line",
    }
)


def example_config() -> Path:
    """Return the supplied example: beside the checkout's `bot/`, or where the wheel puts its data."""
    beside = Path(__file__).resolve().parents[2] / "config.example.yaml"
    return beside if beside.is_file() else Path(sys.prefix) / "share" / "aftercare" / "config.example.yaml"


def load_settings(path: Path) -> Settings:
    """Read the clinic's settings; raise `Faults` with everything that is wrong.

    A relative database path or overlay folder is taken from the folder in which the file stands.
    """
    settings = read(path, path.name).read_as(Settings)
    home = path.resolve().parent
    changes: dict[str, _Part] = {}
    url = settings.database.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        database = home / url.removeprefix("sqlite:///")
        changes["database"] = Storage(url=f"sqlite:///{database}")
    folders = {"overlay": settings.content.overlay, "cache": settings.content.cache}
    given = {name: home / folder for name, folder in folders.items() if folder is not None}
    if given:
        changes["content"] = settings.content.model_copy(update=given)
    return settings.model_copy(update=changes)
