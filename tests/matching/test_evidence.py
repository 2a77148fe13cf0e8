"""Tests of `bot.matching.evidence`: what speaks for a topic, and how sure that makes us."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.evidence import Curve, Evidence, Floats, weigh


def numbers(*rows: tuple[float, ...]) -> Floats:
    """Return rows as an array."""
    return np.array(rows, dtype=np.float32)


def weighed(margins: tuple[float, ...], near: tuple[float, ...], silent: tuple[bool, ...]) -> Evidence:
    """Return the evidence for one line that is as near in words as in meaning."""
    return weigh(numbers(margins), numbers(near), numbers(near), np.array(silent))


def test_likelihood_times_nearness_orders_the_topics() -> None:
    """A topic whose phrasings are far away is not first, however likely the classifier finds it."""
    found = weighed((0.5, 0.4, -1), (0.1, 0.9, 0.9), (False, False, True))
    assert found.order.tolist() == [[1, 0]]
    assert found.best.tolist() == [1]
    assert 0 < found.scores.min() <= found.scores.max() <= 1


def test_silent_groups_may_be_the_best_but_are_no_topics() -> None:
    """Small talk can win; it is never among the topics."""
    found = weighed((-1, 0.9, -0.5), (0.2, 0.9, 0.5), (False, True, False))
    assert found.best.tolist() == [1]
    assert found.order.tolist() == [[2, 0]]
    assert found.ours[0] == pytest.approx([-0.5 - 0.9, 0.5 - 0.9])


def test_without_silent_groups_the_lead_is_over_nothing() -> None:
    """A FAQ without small talk is judged too."""
    found = weighed((0.5, -1), (0.8, 0.1), (False, False))
    assert found.ours[0] == pytest.approx([1.5, 0.8])


def test_a_single_topic_has_no_lead() -> None:
    """There is no second one to lead over."""
    found = weighed((0.5, -1), (0.8, 0.1), (False, True))
    assert found.order.tolist() == [[0]]
    assert found.right[0, 1] == 0


def test_what_lies_opposite_is_not_nearer_than_what_lies_nowhere() -> None:
    """Nearness in meaning below zero counts as none, and no score is below zero."""
    silent = np.array([False, False])
    found = weigh(numbers((0, 0)), numbers((0, 0)), numbers((-0.9, 0)), silent)
    assert found.scores.tolist() == [[0, 0]]
    assert np.isfinite(found.right).all()


def test_a_lead_is_clear_at_some_point() -> None:
    """Beyond it, more says nothing more; equals have none."""
    far = weighed((0.8, -0.8), (1, 1), (False, False))
    farther = weighed((500, -500), (1, 1), (False, False))
    assert far.right[0, 1] == farther.right[0, 1] > 0
    assert weighed((0.3, 0.3), (0.5, 0.5), (False, False)).right[0, 1] == 0


def test_lines_are_judged_each_by_itself() -> None:
    """What is judged together is judged as if alone."""
    rng = np.random.default_rng(1)
    silent = np.array([False, True, False, False])
    margins, words, places = (rng.uniform(-1, 1, (5, 4)).astype(np.float32) for _ in range(3))
    words = np.abs(words)
    together = weigh(margins, words, places, silent)
    for row in range(5):
        alone = weigh(margins[[row]], words[[row]], places[[row]], silent)
        assert alone.order[0].tolist() == together.order[row].tolist()
        assert alone.ours[0] == pytest.approx(together.ours[row])
        assert alone.right[0] == pytest.approx(together.right[row])


SIGN = st.floats(-1000, 1000, width=32)


@given(
    st.tuples(st.floats(0, 1000), st.floats(0, 1000)),
    st.floats(-1000, 1000),
    SIGN,
    SIGN,
    st.floats(0, 1000, width=32),
)
def test_more_of_a_sign_never_makes_less_likely(
    slopes: tuple[float, float], intercept: float, first: float, second: float, more: float
) -> None:
    """A curve only rises, stays between 0 and 1, and breaks on no number."""
    found = Curve(slopes, intercept).likely(
        numbers((first, second), (first + more, second), (first, second + more))
    )
    assert 0 <= found.min() <= found.max() <= 1
    assert found[0] <= found[1]
    assert found[0] <= found[2]


def test_a_curve_is_logistic() -> None:
    """Values by hand."""
    assert Curve((1.0, 2.0), -1.0).likely(numbers((1, 0), (0, 1), (0, 0))) == pytest.approx(
        [0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))]
    )
