"""The plan of a treatment: its check-ins, their questions, and what each answer means. No words, no language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Option:
    """One possible answer, or, on a scale, the band of answers that starts at *at_least*.

    *red_flag* names the sign that this answer is; *alert* asks staff to see it although it is no red flag.
    """

    id: str
    at_least: int = 0
    red_flag: str | None = None
    alert: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of a check-in: a scale (``scale_to`` set: 0…scale_to) or a choice of options."""

    id: str
    options: tuple[Option, ...]
    scale_to: int | None = None

    def values(self) -> tuple[str, ...]:
        """Return every answer that can be stored: "0".."10" for a scale, option ids for a choice."""
        if self.scale_to is not None:
            return tuple(str(n) for n in range(self.scale_to + 1))
        return tuple(option.id for option in self.options)

    def option_for(self, value: str) -> Option:
        """Return the option (or the band of the scale) that *value* falls into; `ValueError` if it is none."""
        if value not in self.values():
            raise ValueError(f"{value!r} is no answer to {self.id!r}")
        if self.scale_to is None:
            return next(option for option in self.options if option.id == value)
        return max(
            (option for option in self.options if option.at_least <= int(value)),
            key=lambda option: option.at_least,
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """One check-in of a plan.

    after: elapsed time since the treatment. grace: how late it may still be sent. nudge_after: how long
    to wait for an answer before asking once more. same_day: a safety check that must not slip past the night.
    """

    id: str
    after: timedelta
    grace: timedelta
    nudge_after: timedelta
    questions: tuple[str, ...]
    same_day: bool = False

    @property
    def hours(self) -> int:
        """The step's offset in whole hours, for words such as "24 hours after"."""
        return round(self.after.total_seconds() / 3600)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A named sequence of steps."""

    id: str
    steps: tuple[Step, ...]

    def step(self, step_id: str) -> Step | None:
        """Return the step with this id, or None if the plan has no such step (any more)."""
        return next((step for step in self.steps if step.id == step_id), None)


@dataclass(frozen=True, kw_only=True)
class Plans:
    """All plans, their questions, and the regions of the body with the plan that each asks for."""

    plans: Mapping[str, Plan]
    questions: Mapping[str, Question]
    regions: Mapping[str, str] = field(default_factory=dict)
    default: str = "standard"

    def for_regions(self, regions: tuple[str, ...]) -> str:
        """Return the plan id for *regions*: the one with most check-ins wins, so chest beats standard."""
        wanted = [self.regions[region] for region in regions] or [self.default]
        return max(wanted, key=lambda plan_id: len(self.plans[plan_id].steps))
