"""A process that has loaded all that `aftercare run` needs, and forks children that run it: only the loading is saved.

A line of JSON in, until the input ends (so neither it nor its children outlive the test that started it)::

    {"do": "start", "arguments": ["run", …], "log": "/path", "host": null}
    {"do": "signal", "pid": 12, "number": 9}

A line of JSON out, in the order in which things happen::

    {"ready": true}, {"started": 12}, {"ended": 12, "code": -9}

A child is the command itself, in a process of its own, with sockets and a database of its own; it writes into *log*.
*host*: the name under which it sees its machine, where a test plays several machines.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from bot import cli, wiring
from bot.content.settings import load_settings
from bot.learning import load_minds, load_words

#: What the command imports only when it needs it.
_LATER = ("bot.cli_run", "psycopg", "apscheduler.triggers.date", "apscheduler.triggers.interval")


class Template:
    """Forks on request, passes signals on, and tells who has ended."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._woken, waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def run(self) -> None:
        """Do what the lines on the standard input say, until they end; then end the children."""
        unread = b""
        _say(ready=True)
        while True:
            ready, _, _ = select.select([sys.stdin.fileno(), self._woken], [], [])
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._tell_who_ended()
            if sys.stdin.fileno() in ready:
                came = os.read(sys.stdin.fileno(), 65536)
                if not came:
                    break
                *lines, unread = (unread + came).split(b"\n")
                for line in lines:
                    self._do(json.loads(line))
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _do(self, asked: dict[str, Any]) -> None:
        if asked.pop("do") == "signal":
            # Whoever is in the set has not been waited for: the number is still theirs.
            if asked["pid"] in self._children:
                os.kill(asked["pid"], asked["number"])
            return
        pid = os.fork()
        if pid == 0:
            _become(**asked)
        self._children.add(pid)
        _say(started=pid)

    def _tell_who_ended(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.remove(pid)
                _say(ended=pid, code=os.waitstatus_to_exitcode(status))


def _become(*, arguments: list[str], log: str, host: str | None) -> NoReturn:
    """Be the command; never come back."""
    code: object = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.closerange(3, 256)
        nothing = os.open(os.devnull, os.O_RDONLY)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for place, fd in enumerate((nothing, written, written)):
            os.dup2(fd, place)
        if host is not None:
            socket.gethostname = lambda: host
        sys.argv = ["aftercare", *arguments]
        code = 0
        cli.main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _say(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def main() -> None:
    """Load everything and serve. The settings whose words are loaded are named on the command line."""
    settings = load_settings(Path(sys.argv[1]))
    for module in _LATER:
        importlib.import_module(module)
    library = load_words(settings)
    minds = load_minds(settings, library)
    wiring.build_tools = functools.partial(wiring.build_tools, library=library, minds=minds)
    gc.collect()
    gc.freeze()  # the children share these pages with us
    Template().run()


if __name__ == "__main__":
    main()
