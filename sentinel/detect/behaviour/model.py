"""The navigation model at work: how far a session stands from the nearest of the population.

PyOD's KNN on scaled features. The detector is refitted from the stored matrix when it is loaded
(milliseconds). numpy and PyOD are imported here and in `train` only, inside the worker's process.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sentinel.detect.behaviour.features import FEATURES, LOGARITHMIC, features
from sentinel.detect.behaviour.manifest import MARKOV, MATRIX, Manifest, read_manifest
from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.sessions import Step
from sentinel.errors import ContentError, MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

DETECTOR = "pyod.models.knn.KNN"
PARAMETERS: dict[str, int | float | str] = {"n_neighbors": 3, "method": "mean"}
CLIP = 16.0
"""Scaled values stop here: one absurd feature must not hide what the others say."""
_SHOWN = 3
# A spread below this is not news, however steady the population: shares, ratios, bits, nats.
_LEAST_SPREAD = {
    "depth": 0.3,
    "distinct_paths": 0.1,
    "client_errors": 0.1,
    "unseen": 0.1,
    "repetition": 0.1,
    "consecutive_ids": 0.05,
}
_LEAST_SPREAD_ELSE = 0.25


class Strong(msgspec.Struct, frozen=True, array_like=True):
    """A feature that speaks against a session. ``low``: too small, ``bound`` is then the 1st
    percentile; else too large, and ``bound`` is the 99th.
    """  # noqa: D205 - one sentence

    name: str
    value: float
    low: bool
    bound: float


class Score(msgspec.Struct, frozen=True, array_like=True):
    """The verdict on one session: a distance, the model's threshold, the strongest reasons."""

    value: float
    threshold: float
    strongest: tuple[Strong, ...]


class Scale(msgspec.Struct, frozen=True):
    """How raw features become comparable: logarithm where due, then robust centre and spread."""

    centre: Any
    spread: Any

    @classmethod
    def of(cls, raw: Matrix) -> Scale:
        """Learn the scale of a population. ``raw``: sessions x features."""
        import numpy as np

        values = _comparable(raw)
        low, centre, high = np.percentile(values, [25, 50, 75], axis=0)
        least = np.array([_LEAST_SPREAD.get(name, _LEAST_SPREAD_ELSE) for name in FEATURES])
        spread = np.maximum((high - low) / 1.349, 0.5 * values.std(axis=0))
        return cls(centre, np.maximum(spread, least))

    def apply(self, raw: Matrix, clip: float = CLIP) -> Matrix:
        """Return robust z-values, cut at ``clip``."""
        import numpy as np

        scaled: Matrix = (_comparable(raw) - self.centre) / self.spread
        return np.clip(scaled, -clip, clip)


class Model:
    """A loaded model. `score` is for whole batches: one call of the detector for all."""

    def __init__(self, manifest: Manifest, chain: Markov, scale: Scale, matrix: Matrix) -> None:
        self.manifest = manifest
        self._chain = chain
        self._scale = scale
        self._detector = fitted(matrix)

    @classmethod
    def load(cls, directory: Path) -> Model:
        """Load a model folder. Raises ContentError, UnreadableFile, MissingExtra."""
        require_extra()
        import numpy as np

        manifest = read_manifest(directory)
        try:
            chain = Markov.from_json((directory / MARKOV).read_bytes())
            with np.load(directory / MATRIX, allow_pickle=False) as stored:
                scale = Scale(stored["centre"], stored["spread"])
                matrix = stored["matrix"]
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise ContentError("the model cannot be read", where=str(directory)) from error
        return cls(manifest, chain, scale, matrix)

    def score(self, sessions: Sequence[Sequence[Step]]) -> list[Score]:
        """Return one score for each session; each must be `scorable`."""
        import numpy as np

        if not sessions:
            return []
        raw = np.array([features(steps, self._chain) for steps in sessions], dtype=np.float64)
        distances = self._detector.decision_function(self._scale.apply(raw))
        apart = self._scale.apply(raw, clip=np.inf)
        return [
            Score(float(distance), self.manifest.threshold, self._strongest(values, far))
            for distance, values, far in zip(distances, raw, apart, strict=True)
        ]

    def warm_up(self) -> None:
        """Score once for nothing, so that the first real session does not pay for lazy imports."""
        self._detector.decision_function(self._scale.apply(self._scale.centre.reshape(1, -1)))

    def _strongest(self, values: Matrix, apart: Matrix) -> tuple[Strong, ...]:
        """Return the features farthest from the centre; those outside the population come first."""
        ranked = []
        for at, stats in enumerate(self.manifest.features):
            value, far = float(values[at]), float(apart[at])
            inside = stats.p1 <= value <= stats.p99
            strong = Strong(stats.name, value, far < 0, stats.p1 if far < 0 else stats.p99)
            ranked.append((inside, -abs(far), at, strong))
        return tuple(strong for *_, strong in sorted(ranked)[:_SHOWN])


def fitted(matrix: Matrix) -> Any:
    """Return PyOD's detector, fitted on scaled features."""
    from pyod.models.knn import KNN

    detector = KNN(**PARAMETERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not our user's news
        detector.fit(matrix)
    return detector


def matrix_bytes(scale: Scale, matrix: Matrix) -> bytes:
    """Return the ``.npz`` of a model: plain arrays."""
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, matrix=matrix, centre=scale.centre, spread=scale.spread)
    return stream.getvalue()


def require_extra() -> None:
    """Raise MissingExtra where numpy or PyOD are not installed; import neither."""
    missing = [name for name in ("numpy", "pyod") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{' and '.join(missing)} not found",
            where="the navigation model",
            hint="pip install 'sentinel-rgpd[behaviour]' brings the scoring of sessions that "
            "nobody else's resemble; everything else works without it",
        )


def _comparable(raw: Matrix) -> Matrix:
    import numpy as np

    values: Matrix = raw.copy()
    for at, name in enumerate(FEATURES):
        if name in LOGARITHMIC:
            values[:, at] = np.log(np.maximum(raw[:, at], 0.0) + LOGARITHMIC[name])
    return values
