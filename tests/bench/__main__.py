"""Runs the benchmarks: `make bench`, `make bench WHAT=rate`, `make bench WHAT="rate cost" QUICK=1 OUT=bench.md`."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.markup import escape

from tests.bench import capacity, cost, rate, reply, schedule
from tests.bench.process import ROOT, Failed
from tests.bench.sheet import Sheet, out

#: What can be measured with the real process; the one of understanding is a program of its own.
BENCHMARKS: dict[str, Callable[[Sheet, bool], None]] = {
    "rate": rate.run,
    "schedule": schedule.run,
    "reply": reply.run,
    "capacity": capacity.run,
    "cost": cost.run,
}
UNDERSTANDING = "understanding"


def main() -> None:
    """Run one benchmark, some, or all of them; what cannot be measured is said, and the others go on."""
    names = (*BENCHMARKS, UNDERSTANDING)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(names)}; all if none is named")
    options.add_argument("--quick", action="store_true", help="smaller numbers, about two minutes each")
    options.add_argument("--out", type=Path, help="write the tables to this file too (.json, else Markdown)")
    options.add_argument("--data", type=Path, help=f"the folder of the public sets, for {UNDERSTANDING}")
    given = options.parse_args()
    if unknown := [name for name in given.what if name not in names]:
        options.error(f"there is no benchmark '{unknown[0]}'; there are {', '.join(names)}")
    # A bench that is told to end ends what it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    command = " ".join(["python -m tests.bench", *given.what, *(["--quick"] if given.quick else [])])
    sheet = Sheet(command=command, quick=given.quick)
    out.print(f"[dim]{sheet.command}\n{sheet.machine}[/]", soft_wrap=True)
    failures = []
    for name in given.what or names:
        try:
            if name == UNDERSTANDING:
                _understanding(given.data, given.quick)
            else:
                BENCHMARKS[name](sheet, given.quick)
        except Failed as error:
            failures.append(name)
            out.print(f"[red]{name} could not be measured:[/] {escape(str(error))}", soft_wrap=True)
    if given.out is not None:
        sheet.write(given.out)
    if failures:
        sys.exit(f"Not measured: {', '.join(failures)}.")


def _understanding(data: Path | None, quick: bool) -> None:
    """Run the benchmark of understanding, which prints its own tables."""
    given = [*(["--data", str(data)] if data else []), *(["--quick"] if quick else [])]
    done = subprocess.run([sys.executable, "-m", "tests.bench.understanding", *given], cwd=ROOT, check=False)
    if done.returncode:
        raise Failed("it says above why")


if __name__ == "__main__":
    main()
