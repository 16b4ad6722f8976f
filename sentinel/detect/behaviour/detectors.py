"""Single detectors of PyOD, and Markov chains alone, on the very features of the mixture.

They are what the mixture is compared with (`sentinel behaviour eval --compare`); none of them
judges anybody in the service. Each runs with PyOD's defaults.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sentinel.detect.behaviour.contexts import Contexts
from sentinel.detect.behaviour.features import FEATURES, tokens_of
from sentinel.detect.behaviour.mixture import Tail
from sentinel.detect.behaviour.population import Population, View, comparable
from sentinel.detect.behaviour.requests import REQUEST_FEATURES
from sentinel.detect.behaviour.sessions import Step
from sentinel.detect.behaviour.shapes import decoded, shape

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

SINGLES = ("KNN", "LOF", "ECOD", "COPOD", "HBOS", "IForest", "LODA")
_SEEDED = frozenset({"IForest"})
_LEAST = 1e-3  # each has a unit of its own
# A page that the chain never met costs as much as the rarest of ten thousand steps.
_SESSION_WEIGHTS = {"surprise": 1.0, "unseen": 9.2}
_REQUEST_WEIGHTS = {"value_shape": 1.0, "path_shape": 1.0}


MARKOV, VARIABLE = "markov", "markov-variable"
ALL = (*SINGLES, MARKOV, VARIABLE)
_MOST_LEARNT = 5_000  # requests that the variable-order chain learns the shapes of

Steps = Sequence[Sequence[Step]]


class Single:
    """One detector in both views: of sessions, and of requests."""

    def __init__(self, name: str, population: Population, train: Steps, seed: int) -> None:
        """Fit. ``name``: one of `ALL`. ``train``: the sessions behind ``population``."""
        self._population = population
        self._of_sessions: _Fitted
        self._of_requests: _Fitted
        self._chain = VariableOrder(train, seed) if name == VARIABLE else None
        if name in SINGLES:
            self._of_sessions = _pyod(name, population.of_sessions, seed)
            self._of_requests = _pyod(name, population.of_requests, seed)
        elif name == MARKOV:
            self._of_sessions = _Chain(population.of_sessions, _SESSION_WEIGHTS)
            self._of_requests = _Chain(population.of_requests, _REQUEST_WEIGHTS)

    def sessions(self, steps: Steps, raw: Matrix) -> Matrix:
        """Return the nats of sessions. ``raw``: their features, sessions x FEATURES."""
        if self._chain is not None:
            return self._chain.sessions(steps)
        return self._of_sessions.nats(self._population.of_sessions.scale.apply(comparable(raw)))

    def requests(self, steps: Sequence[Step]) -> Matrix:
        """Return the nats of requests."""
        if self._chain is not None:
            return self._chain.requests(steps)
        values = self._population.request_values(steps)
        return self._of_requests.nats(self._population.of_requests.scale.apply(values))


class VariableOrder:
    """The chain that remembers up to three steps: over pages, and over characters."""

    def __init__(self, train: Steps, seed: int) -> None:
        """Fit on ``train``; the tails on a half that the other half has not seen."""
        order = list(range(len(train)))
        random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
        first, second = order[::2], order[1::2]
        held = VariableOrder.__new__(VariableOrder)
        held._fit([train[at] for at in first])
        fresh = [train[at] for at in second] or [train[at] for at in first]
        self._session_tail = Tail(held._session_costs(fresh), _LEAST)
        flat = [step for steps in fresh for step in steps][:_MOST_LEARNT]
        self._request_tail = Tail(held._request_costs(flat), _LEAST)
        self._fit([train[at] for at in order])

    def sessions(self, steps: Steps) -> Matrix:
        """Return the nats of sessions."""
        return self._session_tail.nats(self._session_costs(steps))

    def requests(self, steps: Sequence[Step]) -> Matrix:
        """Return the nats of requests."""
        return self._request_tail.nats(self._request_costs(steps))

    def _fit(self, train: Steps) -> None:
        self._pages, self._characters = Contexts(), Contexts()
        learnt = 0
        for steps in train:
            self._pages.learn(tokens_of(steps))
            for step in steps:
                if learnt < _MOST_LEARNT:
                    self._characters.learn(_text(step))
                    learnt += 1

    def _session_costs(self, steps: Steps) -> Matrix:
        import numpy as np

        return np.array([self._pages.mean_cost(tokens_of(one)) for one in steps])

    def _request_costs(self, steps: Sequence[Step]) -> Matrix:
        import numpy as np

        texts = [_text(step) for step in steps]
        known = {text: self._characters.mean_cost(text) for text in dict.fromkeys(texts)}
        return np.array([known[text] for text in texts])


class _Fitted:
    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._tail = Tail(detector.decision_scores_, _LEAST)

    def nats(self, scaled: Matrix) -> Matrix:
        """Return nats of scaled rows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._tail.nats(self._detector.decision_function(scaled))


class _Chain(_Fitted):
    """What a chain says alone: likelihood of the path or the text, in nats a step."""

    def __init__(self, view: View, weights: dict[str, float]) -> None:
        import numpy as np

        names = FEATURES if "surprise" in weights else REQUEST_FEATURES
        self._weights = np.array([weights.get(name, 0.0) for name in names]) * view.scale.spread
        self._tail = Tail(view.matrix @ self._weights, _LEAST)

    def nats(self, scaled: Matrix) -> Matrix:
        """Return nats of scaled rows."""
        return self._tail.nats(scaled @ self._weights)


def _text(step: Step) -> str:
    return shape(decoded(step.path + ("?" + step.query if step.query else ""))[0])


def _pyod(name: str, view: View, seed: int) -> _Fitted:
    import numpy as np

    detector = getattr(import_module(f"pyod.models.{name.lower()}"), name)
    np.random.seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = detector(**({"random_state": seed} if name in _SEEDED else {}))
        fitted.fit(view.matrix)
    return _Fitted(fitted)
