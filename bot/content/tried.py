"""Remembering which red flags' examples have been tried, so that an unchanged file is not tried at every start."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from bot.content.red_flags import RedFlagsFile
from bot.domain.triage import Urgency


class Tried:
    """A mark in the cache for red flags that were tried by this very code; without a cache nothing is remembered."""

    def __init__(
        self,
        folder: Path | None,
        flags: RedFlagsFile,
        urgencies: Mapping[str, Urgency],
        regions: Iterable[str],
    ) -> None:
        """Look for the mark of *flags*."""
        content = flags.model_dump_json() + repr((sorted(urgencies.items()), sorted(regions)))
        read_by = mark_of_code("bot.domain", "triage", "text", "slips")
        digest = hashlib.sha256(content.encode() + read_by).hexdigest()[:32]
        self._mark = folder / f"{digest}.tried" if folder is not None else None

    @property
    def before(self) -> bool:
        """Whether they have been tried, and were in order."""
        return self._mark is not None and self._mark.is_file()

    def remember(self) -> None:
        """Note that they are in order; where nothing can be written, they are tried again next time."""
        if self._mark is None:
            return
        try:
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            self._mark.touch()
        except OSError:
            pass


@cache
def mark_of_code(package: str, *starts: str) -> bytes:
    """Return a mark of the modules of *package* whose names begin so (of all, if none is given): other code, other mark."""
    files = sorted(resources.files(package).iterdir(), key=lambda path: path.name)
    chosen = [path for path in files if path.name.endswith(".py") and path.name.startswith(starts or "")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in chosen)).digest()
