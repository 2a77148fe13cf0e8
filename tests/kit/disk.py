"""A disk that runs full: a small one of its own where that can be made, else a limit on what a process may write."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

#: Room on the small disk, in MB.
ROOM = 24


class Disk(Protocol):
    """A disk that can be filled up, for one process at least."""

    #: What the bot says of it.
    said: str

    def fill(self, pid: int) -> None:
        """Leave no room on it."""

    def clear(self, pid: int) -> None:
        """Make room again."""


class SmallDisk:
    """A disk in memory: when it is full, whoever writes is told ENOSPC, as by any other."""

    said = "has no room left on its disk"

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, pid: int) -> None:
        """Write until nothing more can be written."""
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def clear(self, pid: int) -> None:
        """Take away what was written."""
        self._ballast.unlink()


class LimitedProcess:
    """A limit on the size of files (RLIMIT_FSIZE): the process is told EFBIG. Works without any rights."""

    said = "its disk reports an error"
    #: So many bytes a file may have: less than the database and its log have already.
    SMALL = 64 * 1024

    def fill(self, pid: int) -> None:
        """Let the process write nothing that lies beyond the limit."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (self.SMALL, hard))

    def clear(self, pid: int) -> None:
        """Lift the limit."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def disk_that_runs_full(folder: Path) -> Iterator[Disk]:
    """Mount a small disk at *folder*; where that is not allowed, the process is limited instead."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "aftercare-test", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield LimitedProcess()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
