"""What the tests of the matcher share: the table of vectors, and a small museum's FAQ, learned once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from bot.matching.learn import learn
from bot.matching.matcher import Matcher
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable, shipped
from tests.kit.museum import LESSONS, SYNONYMS


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Let numpy work in one thread, as `bot.learning` does: small sums are slower in two that wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def table() -> WordTable:
    """The table that is shipped."""
    return shipped()


@pytest.fixture(scope="session")
def model(one_thread: None, table: WordTable) -> Model:
    """The museum's FAQ, learned."""
    return learn(LESSONS, table)


@pytest.fixture(scope="session")
def matcher(model: Model, table: WordTable) -> Matcher:
    """Answers for the museum."""
    return Matcher(model, Reader(model.counts, SYNONYMS, table.knows))
