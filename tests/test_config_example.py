"""Tests of `config.example.yaml`: it loads, names every setting, and tells the truth about the defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.content.settings import Settings, load_settings
from bot.content.yaml_source import read

EXAMPLE = Path(__file__).resolve().parents[1] / "config.example.yaml"
#: A key at the start of a line or of an item, commented out or not.
KEY = re.compile(r"^\s*(?:# )?(?:- )?(\w+):", flags=re.MULTILINE)
#: A setting that is commented out; comments that are sentences do not look like this.
COMMENTED = re.compile(r"^(\s+)# (\w+: )", flags=re.MULTILINE)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a field's type holds, however deep: ``tuple[Branch, ...]`` holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in models_in(inner)]


def settings_of(model: type[BaseModel]) -> list[str]:
    """Return the names of all settings of *model* and of the models inside it."""
    names = []
    for name, field in model.model_fields.items():
        names.append(name)
        for inner in models_in(field.annotation):
            names += settings_of(inner)
    return names


def test_it_loads() -> None:
    """A clinic that copies the example has settings without a fault."""
    assert load_settings(EXAMPLE).clinic.name == "Example Physio"


def test_the_walk_through_the_models_finds_the_deepest_settings() -> None:
    """The next test looks at every level: a branch's hours are found too."""
    assert {"clinic", "branches", "hours", "sun", "overlay", "api_url"} <= set(settings_of(Settings))


@pytest.mark.parametrize("name", sorted(set(settings_of(Settings))))
def test_every_setting_is_in_it(name: str) -> None:
    """Each setting stands in the example, commented out or not, so that nobody has to look for it elsewhere."""
    assert name in KEY.findall(EXAMPLE.read_text(encoding="utf-8"))


def test_what_it_writes_for_a_setting_with_a_default_is_the_default() -> None:
    """Leaving a part of the example out changes nothing."""
    example = load_settings(EXAMPLE)
    for name, field in Settings.model_fields.items():
        if not field.is_required() and name != "database":  # its path depends on where the file stands
            assert getattr(example, name) == field.get_default(call_default_factory=True), name
    assert read(EXAMPLE).value["database"] == Settings.model_fields["database"].get_default().model_dump()


def test_what_is_commented_out_can_be_used(tmp_path: Path) -> None:
    """The settings behind a # are right as they stand: without it, the file still loads."""
    text, count = COMMENTED.subn(r"\1\2", EXAMPLE.read_text(encoding="utf-8"))
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    settings = load_settings(path)
    assert count == 6
    assert settings.branch("main").phone == "+65 6000 0001"
    assert settings.branch("main").time_zone == "Asia/Singapore"
    assert settings.content.overlay == tmp_path.resolve() / "our-words"
    assert settings.telegram.webhook_url == "https://bot.example.com/telegram"


def test_it_holds_no_secret() -> None:
    """The token comes from the environment; the example says so and has no place for it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert "TELEGRAM_BOT_TOKEN" in text
    assert not re.search(r"\d{6,}:[\w-]{20,}", text)
    assert "token" not in KEY.findall(text)
