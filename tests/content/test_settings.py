"""Tests of `bot.content.settings`: what a clinic may write, how its mistakes are named, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.content.settings import VARIABLES, Hours, Settings, load_settings
from bot.content.yaml_source import Faults
from bot.domain.message import variables_of

CLINIC = """\
clinic:
  name: Example Physio
  phone: "+65 6000 0000"
  time_zone: Asia/Singapore
  emergency_number: "995"
  crisis_line: SOS 1767
  closed_advice: Go to a 24-hour clinic.
  branches:
    - id: main
      name: Orchard
      address: "1 Example Road, #01-01"
      hours: {mon: "09:00-18:00"}
    - id: east
      name: Tampines
      address: 2 Other Road
      hours: {tue: "10:00-12:00"}
"""


def load(home: Path, text: str) -> Settings:
    """Write *text* as a clinic's settings and load them."""
    path = home / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def faults_of(home: Path, text: str) -> list[str]:
    """Return the faults of *text* as a clinic's settings."""
    try:
        load(home, text)
    except Faults as error:
        return [str(fault) for fault in error.faults]
    return []


def settings(**branch: Any) -> Settings:
    """Return settings with one branch, "main", and what is said about it."""
    return Settings.model_validate(
        {
            "clinic": {
                "name": "Example Physio",
                "phone": "+65 6000 0000",
                "time_zone": "Asia/Singapore",
                "emergency_number": "995",
                "crisis_line": "SOS 1767",
                "closed_advice": "Go to a 24-hour clinic.",
                "branches": [{"id": "main", "name": "Orchard", "address": "1 Road", "hours": {}, **branch}],
            }
        }
    )


def at(zone: str, written: str) -> datetime:
    """Return the moment (UTC) at which the clock of *zone* shows "2026-11-20 10:00"."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# --- what may be written ------------------------------------------------------------------------------------


def test_a_clinic_that_says_only_what_it_must_gets_defaults(tmp_path: Path) -> None:
    """Name, phone, zone, numbers and one branch are enough; all else has a default."""
    found = load(tmp_path, CLINIC)
    assert found.quiet.start == time(21)
    assert found.quiet.end == time(8)
    assert found.telegram.messages_per_second == 30
    assert found.content.languages == ("en",)
    assert found.content.overlay is None
    assert found.logs == "text"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # zones
        (
            "time_zone: Asia/Singapore",
            "time_zone: Singapur",
            "4: clinic.time_zone: 'Singapur' is no time zone; write one such as Asia/Singapore",
        ),
        (
            "time_zone: Asia/Singapore",
            "time_zone: 8",
            "4: clinic.time_zone: '8' is no time zone; write one such as Asia/Singapore",
        ),
        # opening hours
        (
            '"09:00-18:00"',
            '"9 to 6"',
            "12: clinic.branches.0.hours.mon: '9 to 6' are no opening hours; write '09:00-18:00' or closed",
        ),
        (
            '"09:00-18:00"',
            '"09:00-18:00,"',
            "12: clinic.branches.0.hours.mon: '09:00-18:00,' are no opening hours; write '09:00-18:00' or closed",
        ),
        (
            '"09:00-18:00"',
            '"18:00-09:00"',
            "12: clinic.branches.0.hours.mon: '18:00-09:00' ends before it starts",
        ),
        (
            '"09:00-18:00"',
            '"09:00-09:00"',
            "12: clinic.branches.0.hours.mon: '09:00-09:00' ends before it starts",
        ),
        (
            '"09:00-18:00"',
            '"09:00-25:00"',
            "12: clinic.branches.0.hours.mon: '25:00' is no time; write it as '21:00'",
        ),
        ("{mon:", "{monday:", "12: clinic.branches.0.hours.monday: no such key; did you mean 'mon'?"),
        # branches
        (
            "id: main",
            "id: Main",
            "9: clinic.branches.0.id: 'Main' is no id; use up to 20 small letters, digits and _",
        ),
        (
            "id: main",
            "id: a-very-long-name-indeed",
            "9: clinic.branches.0.id: 'a-very-long-name-indeed' is no id; use up to 20 small letters, digits and _",
        ),
        ("id: east", "id: main", "1: clinic: two branches have the same id; give each its own"),
        (
            '"1 Example Road, #01-01"',
            "1 Example Road, #01-01",  # without quotes, YAML cuts it off at the #
            "11: clinic.branches.0.address: the address ends with a comma: YAML takes ' #…' for a comment; "
            "put it in quotes",
        ),
        (
            "address: 2 Other Road",
            "adress: 2 Other Road",
            "15: clinic.branches.1.adress: no such key; did you mean 'address'?",
        ),
        # the clinic
        ('"995"', "995", "5: clinic.emergency_number: must be text; put it in quotes"),
        ("name: Example Physio", "name: ''", "2: clinic.name: must not be empty"),
        (
            "name: Example Physio",
            f"name: {'x' * 201}",
            "2: clinic.name: is too long; it may have 200 characters",
        ),
        (
            "closed_advice: Go",
            f"closed_advice: {'x' * 300} Go",
            "7: clinic.closed_advice: is too long; it may have 300 characters",
        ),
    ],
)
def test_a_mistake_about_the_clinic_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    """One slip in the settings is one fault, with the line, what is wrong and how to write it."""
    assert CLINIC.count(old) == 1
    faults = faults_of(tmp_path, CLINIC.replace(old, new))
    expected = [f"config.yaml:{fault}"]
    if "adress" in new:  # the key that is spelled wrongly is also missing
        expected.insert(0, "config.yaml:13: clinic.branches.1.address: is missing; add it")
    assert faults == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("quiet_hours: {start: 9pm}", "17: quiet_hours.start: '9pm' is no time; write it as '21:00'"),
        ("quiet_hours: {end: 8}", "17: quiet_hours.end: '8' is no time; write it as '21:00'"),
        ("telegram: {messages_per_second: 0}", "17: telegram.messages_per_second: must be at least 1"),
        ("telegram: {messages_per_second: 5000}", "17: telegram.messages_per_second: must be at most 1000"),
        ("retention: {patients_days: 0}", "17: retention.patients_days: must be at least 1"),
        ("retention: {messages_days: many}", "17: retention.messages_days: must be a whole number"),
        ("invites: {valid_days: 61}", "17: invites.valid_days: must be at most 60"),
        ("alerts: {same_day_again_minutes: 4}", "17: alerts.same_day_again_minutes: must be at least 5"),
        ("alerts: {emergency_again_minutes: 121}", "17: alerts.emergency_again_minutes: must be at most 120"),
        (
            "alerts: {tell_patient_after_minutes: 0}",
            "17: alerts.tell_patient_after_minutes: must be at least 1",
        ),
        ("content: {languages: []}", "17: content.languages: has too few entries; it needs at least 1"),
        ("content: {languages: en}", "17: content.languages: must be a list; start each line with '- '"),
        ("logs: loud", "17: logs: must be one of 'text' or 'json'"),
        ("database: sqlite:///a.db", "17: database: must be a mapping of 'key: value' lines"),
        ("telegram: {token: secret}", "17: telegram.token: no such key; remove it"),  # no secret belongs here
        ("alert: {}", "17: alert: no such key; did you mean 'alerts'?"),
    ],
)
def test_a_mistake_in_the_other_settings_is_named_with_its_line(
    tmp_path: Path, text: str, fault: str
) -> None:
    """One slip in a part with defaults is one fault, with its line and the cure."""
    assert faults_of(tmp_path, f"{CLINIC}{text}\n") == [f"config.yaml:{fault}"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("telegram: {api_url: api.telegram.org}", "telegram.api_url"),
        ("telegram: {api_url: 'https://api.telegram.org/bot'}", "telegram.api_url"),
        ("database: {url: aftercare.db}", "database.url"),
        ("database: {url: 'mysql://localhost/a'}", "database.url"),
        ("content: {overlay: 7}", "content.overlay"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_in_plain_words(
    tmp_path: Path, text: str, place: str
) -> None:
    """A clinic reads what to write, not a regular expression or the name of a class."""
    (fault,) = faults_of(tmp_path, f"{CLINIC}{text}\n")
    assert fault.startswith(f"config.yaml:17: {place}: ")
    assert "^" not in fault
    assert "pattern" not in fault
    assert "input" not in fault


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://ana:s3cret@db.example/x", "'mysql://…' is no database"),
        ("mysql://ana:x@db.example/x?password=s3cret", "'mysql://…' is no database"),
        ("postgresql://ana:x@s3cret@db.example/x", "'postgresql://…' is no database"),
        ("ana:s3cret@db.example/x", "this is no database"),
        ("s3cret", "this is no database"),
        ("s3cret@db.example", "this is no database"),
    ],
)
def test_a_database_that_is_none_is_not_repeated(tmp_path: Path, url: str, what: str) -> None:
    """A password may stand in any place of an address that was not understood; its kind says enough."""
    (fault,) = faults_of(tmp_path, f"{CLINIC}database: {{url: '{url}'}}\n")

    assert f"database.url: {what}; write sqlite:///aftercare.db" in fault
    assert "s3cret" not in fault
    assert "db.example" not in fault


def test_a_server_may_be_written_with_a_slash_at_its_end(tmp_path: Path) -> None:
    """Both ways to write the root of a server are the same server."""
    found = load(tmp_path, f"{CLINIC}telegram: {{api_url: 'http://127.0.0.1:8081/'}}\n")
    assert found.telegram.api_url == "http://127.0.0.1:8081"


def test_settings_without_a_branch_are_refused(tmp_path: Path) -> None:
    """A clinic has at least one branch."""
    text = CLINIC.partition("    - id: main")[0].replace("branches:", "branches: []")
    assert faults_of(tmp_path, text) == [
        "config.yaml:8: clinic.branches: has too few entries; it needs at least 1"
    ]


def test_a_fault_in_the_only_branch_is_the_only_fault(tmp_path: Path) -> None:
    """A branch with a slip in it is not said to be missing as well."""
    text = CLINIC.partition("    - id: east")[0].replace("id: main", "id: Main")
    (fault,) = faults_of(tmp_path, text)
    assert "clinic.branches.0.id" in fault


def test_all_faults_are_shown_together(tmp_path: Path) -> None:
    """A clinic corrects its file once, not fault by fault."""
    text = (
        CLINIC.replace('"995"', "995").replace("Asia/Singapore", "Singapur").replace("id: east", "id: East")
    )
    assert [fault.split(": ")[0] for fault in faults_of(tmp_path, text)] == [
        "config.yaml:4",
        "config.yaml:5",
        "config.yaml:13",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Settings that are not there are a fault, not a crash."""
    with pytest.raises(Faults, match=r"^nowhere\.yaml:1: there is no such file$"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("written", "spans"),
    [
        ("09:00-18:00", ((time(9), time(18)),)),
        ("9:00 - 18:00", ((time(9), time(18)),)),
        ("09:00-13:00, 14:00-18:30", ((time(9), time(13)), (time(14), time(18, 30)))),
        ("closed", ()),
        (" Closed ", ()),
    ],
)
def test_opening_hours_are_read_as_spans(written: str, spans: tuple[tuple[time, time], ...]) -> None:
    """A day has no span, one, or several, with or without blanks."""
    assert settings(hours={"wed": written}).branch("main").hours.spans(2) == spans


def test_quiet_hours_need_no_quotes(tmp_path: Path) -> None:
    """21:00 without quotes is nine in the evening, not a number."""
    found = load(tmp_path, f"{CLINIC}quiet_hours:\n  start: 22:30\n  end: 7:00\n")
    assert (found.quiet.start, found.quiet.end) == (time(22, 30), time(7))


# --- where things are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("sqlite:///aftercare.db", "sqlite:///{home}/aftercare.db"),
        ("sqlite:///data/a.db", "sqlite:///{home}/data/a.db"),
        ("sqlite:////var/lib/a.db", "sqlite:////var/lib/a.db"),
    ],
)
def test_the_database_lies_beside_the_settings(tmp_path: Path, written: str, url: str) -> None:
    """A relative path starts in the folder of the settings, wherever the program was started; others stay."""
    found = load(tmp_path, f"{CLINIC}database: {{url: '{written}'}}\n")
    assert found.database.url == url.format(home=tmp_path.resolve())


def test_the_database_has_its_place_also_when_nothing_is_said(tmp_path: Path) -> None:
    """The default is a file beside the settings."""
    assert load(tmp_path, CLINIC).database.url == f"sqlite:///{tmp_path.resolve()}/aftercare.db"


def test_the_overlay_lies_beside_the_settings(tmp_path: Path) -> None:
    """A relative folder starts where the settings stand, an absolute one stays; what else is set stays too."""
    found = load(tmp_path, f"{CLINIC}content: {{languages: [en, zh], overlay: ./our-words}}\n")
    assert found.content.overlay == tmp_path.resolve() / "our-words"
    assert found.content.languages == ("en", "zh")
    absolute = load(tmp_path, f"{CLINIC}content: {{overlay: /srv/words}}\n")
    assert absolute.content.overlay == Path("/srv/words")


# --- branches -----------------------------------------------------------------------------------------------


def test_a_branch_is_found_by_its_id(tmp_path: Path) -> None:
    """Without an id, or with one that is gone, it is the first branch."""
    found = load(tmp_path, CLINIC)
    assert found.branch("east").name == "Tampines"
    assert found.branch(None).name == "Orchard"
    assert found.branch("gone").name == "Orchard"


def test_a_branch_has_its_own_zone_or_the_clinics() -> None:
    """What a branch leaves out, it has from the clinic."""
    assert settings().zone("main") == ZoneInfo("Asia/Singapore")
    assert settings(time_zone="Australia/Perth").zone("main") == ZoneInfo("Australia/Perth")


# --- opening hours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "written"),
    [
        ({}, "by appointment"),
        ({"mon": "09:00-18:00"}, "Mon 09:00–18:00"),
        (
            dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-18:00") | {"sat": "9:00-13:00"},
            "Mon–Fri 09:00–18:00, Sat 09:00–13:00",
        ),
        (dict.fromkeys(("mon", "tue"), "09:00-12:00, 14:00-18:00"), "Mon–Tue 09:00–12:00 and 14:00–18:00"),
        (dict.fromkeys(("mon", "wed"), "09:00-18:00"), "Mon 09:00–18:00, Wed 09:00–18:00"),  # a gap is shown
        (
            dict.fromkeys(("sat", "sun"), "10:00-16:00") | {"fri": "10:00-12:00"},
            "Fri 10:00–12:00, Sat–Sun 10:00–16:00",
        ),
    ],
)
def test_the_week_is_written_as_people_write_it(hours: dict[str, str], written: str) -> None:
    """Days with the same hours that follow each other become one range; closed days are left out."""
    assert Hours.model_validate(hours).written() == written


WEEK = {"mon": "09:00-12:00, 14:00-18:00", "tue": "09:00-18:00", "sat": "09:00-13:00"}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23 08:59", False),  # a Monday
        ("2026-11-23 09:00", True),  # the minute it opens
        ("2026-11-23 12:00", False),  # the minute it closes
        ("2026-11-23 13:00", False),  # lunch
        ("2026-11-23 14:00", True),
        ("2026-11-23 17:59", True),
        ("2026-11-25 10:00", False),  # Wednesday
        ("2026-11-28 12:59", True),  # Saturday
        ("2026-11-29 10:00", False),
    ],
)
def test_a_branch_is_open_in_its_hours(moment: str, is_open: bool) -> None:
    """A branch is open from the first minute of a span up to its last."""
    assert settings(hours=WEEK).is_open("main", at("Asia/Singapore", moment)) is is_open


def test_a_branch_is_open_by_its_own_clock() -> None:
    """The same moment is Monday morning in Singapore, and still Sunday in Honolulu."""
    moment = at("Asia/Singapore", "2026-11-23 10:00")
    assert settings(hours=WEEK).is_open("main", moment)
    assert not settings(hours=WEEK, time_zone="Pacific/Honolulu").is_open("main", moment)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23 08:00", "2026-11-23 09:00"),  # later today
        ("2026-11-23 09:00", "2026-11-23 14:00"),  # open now: the next time it opens
        ("2026-11-23 12:30", "2026-11-23 14:00"),
        ("2026-11-23 19:00", "2026-11-24 09:00"),  # tomorrow
        ("2026-11-24 19:00", "2026-11-28 09:00"),  # some days ahead
        ("2026-11-28 13:00", "2026-11-30 09:00"),  # over the weekend
        ("2026-12-31 10:00", "2027-01-02 09:00"),
    ],
)
def test_a_branch_opens_next(moment: str, opens: str) -> None:
    """The next opening lies behind the moment, today or on a later day, on the branch's clock."""
    found = settings(hours=WEEK).next_opening("main", at("Asia/Singapore", moment))
    assert found is not None
    assert found == at("Asia/Singapore", opens)
    assert found.tzinfo == ZoneInfo("Asia/Singapore")


def test_a_branch_that_opens_once_a_week_opens_next_week() -> None:
    """An hour after its only opening, the next one is a week ahead."""
    found = settings(hours={"mon": "09:00-18:00"})
    assert found.next_opening("main", at("Asia/Singapore", "2026-11-23 10:00")) == at(
        "Asia/Singapore", "2026-11-30 09:00"
    )


def test_spans_may_be_written_in_any_order() -> None:
    """The afternoon may stand before the morning."""
    found = settings(hours={"mon": "14:00-18:00, 09:00-12:00"})
    assert found.next_opening("main", at("Asia/Singapore", "2026-11-23 08:00")) == at(
        "Asia/Singapore", "2026-11-23 09:00"
    )


def test_a_branch_that_never_opens_has_no_next_opening() -> None:
    """Without hours nobody is told to wait for any."""
    assert settings().next_opening("main", at("Asia/Singapore", "2026-11-23 08:00")) is None


def test_the_next_opening_follows_a_change_of_the_clocks() -> None:
    """It opens at nine by the clock on the wall, before the change and after it."""
    found = settings(hours={"sun": "09:00-18:00"}, time_zone="America/New_York")
    opening = found.next_opening("main", at("America/New_York", "2026-03-07 12:00"))
    assert opening == datetime(2026, 3, 8, 13, 0, tzinfo=UTC)


# --- variables ----------------------------------------------------------------------------------------------


def test_every_variable_that_texts_may_name_has_a_value() -> None:
    """What the checker allows is what is filled in: nothing more, nothing less."""
    assert set(settings().variables("main")) == VARIABLES


def test_every_variable_can_be_named() -> None:
    """A template finds each of the names in braces."""
    assert variables_of(" ".join(f"{{{name}}}" for name in VARIABLES)) == VARIABLES


def test_variables_are_the_branchs() -> None:
    """Address, hours and phone are those of the patient's branch; the phone is the clinic's if it has none."""
    own = settings(phone="+65 7", address="7 Lane", hours={"mon": "09:00-18:00"}).variables("main")
    assert own["clinic.phone"] == "+65 7"
    assert own["clinic.address"] == "7 Lane"
    assert own["clinic.hours"] == "Mon 09:00–18:00"
    assert settings().variables("main")["clinic.phone"] == "+65 6000 0000"


def test_all_branches_are_written_with_all_that_finds_them(tmp_path: Path) -> None:
    """The list of branches has each one's name, address, phone and hours."""
    written = load(tmp_path, CLINIC).variables("east")["clinic.branches"]
    assert written == (
        "Orchard\n1 Example Road, #01-01\n+65 6000 0000\nMon 09:00–18:00\n\n"
        "Tampines\n2 Other Road\n+65 6000 0000\nTue 10:00–12:00"
    )
