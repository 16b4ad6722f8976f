"""The navigation model at work: it loads, it scores whole batches, it says why."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sentinel.detect.behaviour.manifest import MARKOV, MATRIX, REQUESTS, Manifest, read_manifest
from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.mixture import Scale
from sentinel.detect.behaviour.population import (
    Population,
    View,
    comparable,
    request_view,
    session_view,
)
from sentinel.detect.behaviour.requests import Requests
from sentinel.detect.behaviour.sessions import Step
from sentinel.errors import ContentError, MissingExtra

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

_SHOWN = 3
_DIGITS = 6  # the last bits depend on what is scored together; findings must not


class Strong(msgspec.Struct, frozen=True, array_like=True):
    """A feature that speaks against a session. ``low``: too small, ``bound`` is then the 1st
    percentile; else too large, and ``bound`` is the 99th.
    """  # noqa: D205 - one sentence

    name: str
    value: float
    low: bool
    bound: float


class Score(msgspec.Struct, frozen=True, array_like=True):
    """The verdict on one session: nats, the model's threshold, the strongest reasons."""

    value: float
    threshold: float
    strongest: tuple[Strong, ...]


class Model:
    """A loaded model. `score` is for whole batches: one call of the detector for all."""

    def __init__(self, manifest: Manifest, population: Population) -> None:
        self.manifest = manifest
        self.population = population

    @classmethod
    def load(cls, directory: Path) -> Model:
        """Load a model folder. Raises ContentError, UnreadableFile, MissingExtra."""
        require_extra()
        import numpy as np

        manifest = read_manifest(directory)
        try:
            chain = Markov.from_json((directory / MARKOV).read_bytes())
            requests = Requests.from_json((directory / REQUESTS).read_bytes())
            with np.load(directory / MATRIX, allow_pickle=False) as stored:
                of_requests = request_view(
                    Scale(stored["request_centre"], stored["request_spread"]), stored["requests"]
                )
                view = session_view(Scale(stored["centre"], stored["spread"]), stored["matrix"])
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise ContentError("the model cannot be read", where=str(directory)) from error
        return cls(manifest, Population(chain, requests, of_requests, view))

    def score(self, sessions: Sequence[Sequence[Step]]) -> list[Score]:
        """Return one score for each session; each has a request at least."""
        if not sessions:
            return []
        raw = self.population.raw(sessions)
        values = comparable(raw)
        view = self.population.of_sessions
        apart = view.scale.apply(values, clip=float("inf"))
        return [
            Score(round(float(score), _DIGITS), self.manifest.threshold, self._strongest(row, far))
            for score, row, far in zip(view.score(values), raw, apart, strict=True)
        ]

    def warm_up(self) -> None:
        """Score once for nothing, so that the first real session does not pay for lazy imports."""
        self.score([(Step(0.0, "GET", "/", 200, 0),)])

    def _strongest(self, values: Matrix, apart: Matrix) -> tuple[Strong, ...]:
        """Return the features farthest from the centre; those outside the population come first."""
        ranked = []
        for at, stats in enumerate(self.manifest.features):
            value, far = float(values[at]), float(apart[at])
            if value != value:  # noqa: PLR0124 - NaN: the session is too short for it
                continue
            inside = stats.p1 <= value <= stats.p99
            strong = Strong(stats.name, value, far < 0, stats.p1 if far < 0 else stats.p99)
            ranked.append((inside, -abs(far), at, strong))
        return tuple(strong for *_, strong in sorted(ranked)[:_SHOWN])


def matrix_bytes(of_requests: View, of_sessions: View) -> bytes:
    """Return the ``.npz`` of a model: plain arrays."""
    import numpy as np

    stream = io.BytesIO()
    np.savez(
        stream,
        matrix=of_sessions.matrix,
        centre=of_sessions.scale.centre,
        spread=of_sessions.scale.spread,
        requests=of_requests.matrix,
        request_centre=of_requests.scale.centre,
        request_spread=of_requests.scale.spread,
    )
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
