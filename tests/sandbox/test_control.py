"""The page and what it asks of the sandbox."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.sandbox.clock import SandboxClock
from bot.sandbox.control import STATIC
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve

START = datetime(2026, 3, 28, 8, tzinfo=UTC)


class Due:
    """Tells when the bot has something due."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.fails = False

    async def __call__(self) -> datetime | None:
        """Return the moment."""
        if self.fails:
            raise RuntimeError("no database")
        return self.at


@pytest.fixture
def due() -> Due:
    """Give something that is due, or not."""
    return Due()


@pytest.fixture
def page_sandbox() -> Sandbox:
    """Give a sandbox on a frozen clock."""
    return Sandbox(clock=SandboxClock(START, frozen=True))


@pytest.fixture
async def page(page_sandbox: Sandbox, due: Due) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the page."""
    app = create_app(page_sandbox, next_moment=due, zone="Europe/London", intro=["Only this."])
    async with serve(app) as address, httpx.AsyncClient(base_url=address.url) as client:
        yield client


async def test_the_page_and_everything_it_names_is_there(page: httpx.AsyncClient) -> None:
    """Scripts and styles are the sandbox's own; nothing comes from elsewhere."""
    html = (await page.get("/")).text
    named = re.findall(r'(?:src|href)="([^"]+)"', html)
    modules = [f"/sandbox/static/js/{path.name}" for path in (STATIC / "js").glob("*.js")]

    assert all(name.startswith("/sandbox/static/") for name in named)
    for address in [*named, *modules]:
        assert (await page.get(address)).status_code == 200, address


def test_the_page_never_makes_html_of_what_people_write() -> None:
    """Names and texts are hostile until shown as text."""
    scripts = "".join(path.read_text() for path in (STATIC / "js").glob("*.js"))

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", scripts)


async def test_the_clock_turns_and_goes_to_the_next_message(
    page: httpx.AsyncClient, page_sandbox: Sandbox, due: Due
) -> None:
    """One second beyond what is due; nothing due turns nothing."""
    assert (await page.post("/sandbox/clock/next")).json() == {"turned": 0, "next": None}
    await page.post("/sandbox/clock", json={"seconds": 3600})
    assert page_sandbox.clock.now() == START + timedelta(hours=1)

    due.at = START + timedelta(hours=24)
    state = (await page.get("/sandbox/state")).json()
    await page.post("/sandbox/clock/next")

    assert page_sandbox.clock.now() == START + timedelta(hours=24, seconds=1)
    assert (state["next"], state["zone"], state["intro"]) == (
        due.at.isoformat(),
        "Europe/London",
        ["Only this."],
    )
    due.fails = True
    assert (await page.get("/sandbox/state")).json()["next"] is None
    assert (await page.post("/sandbox/clock", json={"seconds": -5})).status_code == 400


async def test_turning_the_clock_stops_at_each_moment_that_is_due(
    page: httpx.AsyncClient, page_sandbox: Sandbox, due: Due
) -> None:
    """A day that is turned by passes the check-in at its own moment, so that the bot is not late with it."""
    wanted = [START + timedelta(hours=4), START + timedelta(hours=20), START + timedelta(hours=30)]
    reached: list[datetime] = []

    def bot_acts() -> None:
        if wanted and page_sandbox.clock.now() >= wanted[0]:
            reached.append(page_sandbox.clock.now())
            wanted.pop(0)
        due.at = wanted[0] if wanted else None

    due.at = wanted[0]
    clock = page_sandbox.clock
    assert isinstance(clock, SandboxClock)
    clock.when_turned(bot_acts)
    await page.post("/sandbox/clock", json={"seconds": 24 * 3600})

    assert reached == [START + timedelta(hours=4), START + timedelta(hours=20)]
    assert clock.now() == START + timedelta(hours=24)


async def test_the_live_line_tells_of_each_change(page: httpx.AsyncClient, page_sandbox: Sandbox) -> None:
    """A first event at once, another when something happens."""
    async with page.stream("GET", "/sandbox/events") as stream:
        lines = stream.aiter_lines()
        first = await anext(lines)
        page_sandbox.add_person("Ana")
        second = next_line = ""
        while not second:
            next_line = await anext(lines)
            second = next_line if next_line.startswith("data:") else ""

    assert first.startswith("data:")
    assert second != first


async def test_other_sites_cannot_act_here(page: httpx.AsyncClient) -> None:
    """A page from elsewhere that posts is turned away."""
    refused = await page.post(
        "/sandbox/people", json={"first_name": "Eve"}, headers={"Origin": "https://evil.example"}
    )
    own = await page.post(
        "/sandbox/people", json={"first_name": "Ana"}, headers={"Origin": str(page.base_url).rstrip("/")}
    )

    assert (refused.status_code, own.status_code) == (403, 200)


async def test_files_are_shown_or_downloaded_but_never_run(
    page: httpx.AsyncClient, page_sandbox: Sandbox
) -> None:
    """A picture is shown; a page somebody uploaded is only saved."""
    ana = page_sandbox.add_person("Ana")
    picture = page_sandbox.sends_photo(ana).file
    script = page_sandbox.sends_document(ana, b"<script>", "x.html", mime="text/html").file
    assert picture is not None
    assert script is not None

    shown = await page.get(f"/sandbox/files/{picture.path}")
    saved = await page.get(f"/sandbox/files/{script.path}")

    assert "content-disposition" not in shown.headers
    assert saved.headers["content-disposition"] == 'attachment; filename="x.html"'
    assert saved.headers["x-content-type-options"] == "nosniff"
    assert (await page.get("/sandbox/files/none")).status_code == 404


async def test_faults_and_calls_over_http(page: httpx.AsyncClient, page_sandbox: Sandbox) -> None:
    """What a test in another process needs."""
    await page.post("/sandbox/faults", json={"method": "getMe", "kind": "error", "code": 500})
    token = "1:ABCDE"
    first = await page.get(f"/bot{token}/getMe")
    await page.post("/sandbox/faults", json={"method": "getMe", "kind": "drop"})
    await page.post("/sandbox/faults/clear")
    second = await page.get(f"/bot{token}/getMe")

    calls = (await page.get("/sandbox/calls", params={"method": "getMe"})).json()
    assert (first.status_code, second.status_code) == (500, 200)
    assert [call["outcome"] for call in calls] == [500, 200]
    assert (await page.post("/sandbox/faults", json={"kind": "error"})).status_code == 400
