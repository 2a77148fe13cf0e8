"""Tests of the command line: every command, its help, its errors in one sentence, its JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.content.settings import load_settings
from tests.conftest import EXAMPLE
from tests.kit.command import aftercare

COMMANDS = (
    "init",
    "run",
    "sandbox",
    "rehearse",
    "check",
    "ask",
    "evaluate",
    "invite",
    "due",
    "export",
    "erase",
    "inbox",
    "db",
)


def an_hour_ago() -> str:
    """Return a moment with its zone, as it is typed."""
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    """--help of each has a sentence, and explains every option."""
    result = aftercare(command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_python_m_bot_is_the_same_command() -> None:
    """Both ways in are one."""
    told = subprocess.run(
        [sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, cwd=EXAMPLE.parent, check=True,
    )  # fmt: skip

    assert all(command in told.stdout for command in COMMANDS)


def test_init_asks_for_the_few_things_it_needs_and_writes_what_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd characters in a name or an address are written so that they are read back unaltered."""
    monkeypatch.chdir(tmp_path)
    answers = (
        'Ong & "Sons": Physio #1\n+65 6999 0000\n9 Road, #02-03, S\'pore\nAsia/Tokyo\n119\nInochi 0570\n'
    )
    result = aftercare("init", answers=answers)
    settings = load_settings(tmp_path / "config.yaml")

    assert result.exit_code == 0, result.output
    assert settings.clinic.name == 'Ong & "Sons": Physio #1'
    assert settings.clinic.branches[0].address == "9 Road, #02-03, S'pore"
    assert (settings.clinic.time_zone, settings.clinic.emergency_number) == ("Asia/Tokyo", "119")
    assert "# how the bot names you to patients" in (tmp_path / "config.yaml").read_text()


def test_init_does_not_write_over_a_file(clinic: Path) -> None:
    """What is there stays unless --force says otherwise."""
    before = (clinic / "config.yaml").read_text()
    result = aftercare("init")

    assert result.exit_code == 1
    assert "--force" in result.output
    assert (clinic / "config.yaml").read_text() == before


def test_init_with_a_wrong_zone_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is named, and no half-right file is left."""
    monkeypatch.chdir(tmp_path)
    result = aftercare("init", answers="A\n1\nB\nMoon/Sea\n995\nSOS\n")

    assert result.exit_code == 1
    assert "'Moon/Sea' is no time zone" in result.output
    assert not (tmp_path / "config.yaml").exists()


@pytest.mark.parametrize(
    "command",
    [["run"], ["check"], ["due"], ["invite", "--label", "A", "--treated-at", "x", "--region", "calf"]],
)
def test_without_settings_the_way_to_them_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """No config.yaml: one sentence with the cure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AFTERCARE_CONFIG", raising=False)
    result = aftercare(*command)

    assert result.exit_code == 1
    assert "aftercare init" in result.output


def test_run_without_a_token_says_where_to_get_one(clinic: Path) -> None:
    """Secrets come from the environment only."""
    result = aftercare("run")

    assert result.exit_code == 1
    assert "@BotFather" in result.output


def test_invite_prints_code_and_moments_and_due_lists_them(clinic: Path) -> None:
    """A treatment is registered from the command line, and what is to come can be seen."""
    result = aftercare("invite", "--label", "A1023", "--treated-at", an_hour_ago(), "--region", "upper_back")
    assert result.exit_code == 0, result.output
    assert "Code:" in result.output
    assert "h24" in result.output

    listed = aftercare("due")
    assert "A1023" in listed.output
    assert "not accepted" in listed.output


def test_invite_as_json(clinic: Path) -> None:
    """For other programs: link, code, and when each check-in is due, in UTC and in local time."""
    result = aftercare("invite", "--label", "A1", "--treated-at", an_hour_ago(), "--region", "calf", "--json")
    data = json.loads(result.output)

    assert data["label"] == "A1"
    assert len(data["code"].replace("-", "")) == 26
    assert [row["step"] for row in data["check_ins"]] == ["h24", "h48"]
    assert data["check_ins"][0]["due_at"].endswith("+00:00")
    assert data["check_ins"][0]["due_at_local"].endswith("+08:00")
    assert [row["label"] for row in json.loads(aftercare("due", "--json").output)] == ["A1", "A1"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--treated-at", "yesterday", "--region", "calf"], "write it as 2026-11-20T15:00"),
        (["--treated-at", "2020-01-01T10:00", "--region", "calf"], "14 days"),
        (["--treated-at", "NOW", "--region", "nose"], "no region 'nose'"),
        (["--treated-at", "NOW", "--region", "calf", "--plan", "x"], "no plan 'x'"),
        (["--treated-at", "NOW", "--region", "calf", "--branch", "x"], "no branch 'x'"),
    ],
)
def test_invite_with_bad_input_says_what_to_do(clinic: Path, words: list[str], told: str) -> None:
    """One sentence, exit code 1, and nothing is stored."""
    result = aftercare("invite", "--label", "A1", *[an_hour_ago() if w == "NOW" else w for w in words])

    assert result.exit_code == 1
    assert told in " ".join(result.output.split())
    assert json.loads(aftercare("due", "--json").output) == []


def test_a_database_that_cannot_be_opened_is_named(clinic: Path) -> None:
    """One sentence with the path, no traceback."""
    text = (
        (clinic / "config.yaml")
        .read_text()
        .replace("sqlite:///aftercare.db", "sqlite:///no/such/folder/a.db")
    )
    (clinic / "config.yaml").write_text(text)
    result = aftercare("due")

    assert result.exit_code == 1
    assert "no/such/folder/a.db cannot be used" in " ".join(result.output.split())


def test_export_and_erase_of_somebody_unknown(clinic: Path) -> None:
    """Nothing found is said; naming nobody, too."""
    assert "no treatment with the label 'A9'" in aftercare("export", "--label", "A9").output
    assert "no patient with the chat 5" in aftercare("erase", "--chat", "5", "--yes").output
    assert "--label or by --chat" in aftercare("export").output


def test_erase_of_an_unopened_invitation(clinic: Path) -> None:
    """A treatment nobody accepted can be erased as well, after a question."""
    aftercare("invite", "--label", "A1", "--treated-at", an_hour_ago(), "--region", "calf")
    assert aftercare("erase", "--label", "A1", answers="n\n").exit_code != 0
    assert "nobody had accepted" in aftercare("erase", "--label", "A1", "--yes").output

    assert json.loads(aftercare("due", "--json").output) == []
