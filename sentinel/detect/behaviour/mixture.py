"""How far a row of numbers stands from a population: two opinions, in one unit.

The first is PyOD's KNN on scaled features: how far the nearest of the population are. The second
adds up, feature by feature, how rare the value is there (the frozen empirical distribution that
ECOD and COPOD re-rank at every call). KNN sees odd combinations; the sum sees a little of
everything. Each opinion becomes a tail probability of the population itself, in nats: 4.6 is one
in a hundred, 9.2 one in ten thousand. The mixture is their mean.

numpy and PyOD are imported in here and in `train` only, inside the worker's process.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

DETECTOR = "mean of pyod.models.knn.KNN and empirical tails"
PARAMETERS: dict[str, int | float | str] = {"n_neighbors": 3, "method": "mean"}
CLIP = 16.0
"""Scaled values stop here: one absurd feature must not hide what the others say."""
LEAST_DISTANCE = 0.5
"""Where all are alike: so much of a spread is one nat. (Sums of nats are worth a nat a nat.)"""
TAIL = 0.20  # share of the scores whose slope continues the tail
_CENSORED = 0.02  # share of highest scores of which only the number counts


def tail_of(scores: Matrix) -> tuple[float, float, int]:
    """Return where the tail of scores begins, its mean excess, and from how many that was taken.

    The highest scores enter by their number only: what is odd among the learnt may be an attack.
    """
    import numpy as np

    begin = float(np.quantile(scores, 1 - TAIL))
    excesses = np.sort(scores[scores > begin]) - begin
    censored = int(len(scores) * _CENSORED)
    seen = excesses[: len(excesses) - censored]
    if not len(seen):
        return begin, 0.0, 0
    return begin, float((seen.sum() + censored * seen[-1]) / len(seen)), len(seen)


class Scale(msgspec.Struct, frozen=True):
    """Robust centre and spread of each column. A value that is absent (NaN) is at the centre."""

    centre: Any
    spread: Any

    @classmethod
    def of(cls, values: Matrix, least: Matrix) -> Scale:
        """Learn the scale of a population. ``least``: a spread below this is no news."""
        import numpy as np

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column that nobody has
            low, centre, high = np.nanpercentile(values, [25, 50, 75], axis=0)
            spread = np.maximum((high - low) / 1.349, 0.5 * np.nanstd(values, axis=0))
        return cls(np.nan_to_num(centre), np.maximum(np.nan_to_num(spread), least))

    def apply(self, values: Matrix, clip: float = CLIP) -> Matrix:
        """Return robust z-values, cut at ``clip``."""
        import numpy as np

        scaled: Matrix = np.nan_to_num((values - self.centre) / self.spread, nan=0.0)
        return np.clip(scaled, -clip, clip)


class Tail:
    """From a score to nats: how rare so high a score is in the population that it was learnt from.

    Beyond the population the tail goes on as an exponential (peaks over threshold); the highest
    scores do not set its slope, for what is odd among the learnt may be an attack.
    """

    def __init__(self, scores: Matrix, least_slope: float) -> None:
        """Learn. ``least_slope``: growth of the score by which one nat is won, at the least."""
        import numpy as np

        self._sorted = np.sort(scores)
        self._begin, slope, _ = tail_of(scores)
        self._slope = max(slope, least_slope)

    def nats(self, scores: Matrix) -> Matrix:
        """Return -ln of the share of the population that scores higher."""
        import numpy as np

        higher = 1 - np.searchsorted(self._sorted, scores, side="left") / (len(self._sorted) + 1)
        beyond = (scores - self._begin) / self._slope - np.log(TAIL)
        within = np.minimum(-np.log(higher), -np.log(TAIL))
        nats: Matrix = np.where(scores > self._begin, beyond, within)
        return nats


class Mixture:
    """Fitted on a scaled matrix. ``scores``: what each of its rows scores without itself."""

    def __init__(self, matrix: Matrix, *, both_ways: bool) -> None:
        """Fit. ``both_ways``: too small a value counts as much as one too large."""
        import numpy as np

        self._columns = np.sort(matrix, axis=0)
        self._both_ways = both_ways
        self._knn = _knn(matrix)
        self._near = Tail(self._knn.decision_scores_, LEAST_DISTANCE)
        rarities = self._rarity(matrix)
        self._rare = Tail(rarities, 1.0)
        self.scores: Matrix = self._mean(self._knn.decision_scores_, rarities)

    def score(self, matrix: Matrix) -> Matrix:
        """Return nats, one for each row of the scaled ``matrix``."""
        return self._mean(self._knn.decision_function(matrix), self._rarity(matrix))

    def _mean(self, distances: Matrix, rarities: Matrix) -> Matrix:
        mean: Matrix = (self._near.nats(distances) + self._rare.nats(rarities)) / 2
        return mean

    def _rarity(self, matrix: Matrix) -> Matrix:
        """Return the sum over the columns of -ln(share of the population beyond the value)."""
        import numpy as np

        total = np.zeros(len(matrix))
        count = len(self._columns)
        for column, values in zip(self._columns.T, matrix.T, strict=True):
            share = 1 - np.searchsorted(column, values, side="left") / (count + 1)
            if self._both_ways:
                share = np.minimum(share, np.searchsorted(column, values, side="right") / count)
            total -= np.log(np.maximum(share, 1 / (count + 1)))
        return total


def _knn(matrix: Matrix) -> Any:
    """Return PyOD's detector, fitted on scaled features."""
    from pyod.models.knn import KNN

    detector = KNN(**PARAMETERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not our user's news
        detector.fit(matrix)
    return detector
