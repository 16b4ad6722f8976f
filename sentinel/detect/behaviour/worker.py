"""The model's own process: ``python -m sentinel.detect.behaviour.worker <model folder>``.

PyOD costs seconds to import and 200 MB, and what it rests on may fail in ways that Python cannot
catch. Here it can die alone: the service starts it again and asks again. It reads questions on
standard input and answers on standard output; it ends with its input.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from sentinel.detect.behaviour.frames import Ask, Broken, Ready, Reply, Scores, frame, read_ask
from sentinel.detect.behaviour.model import Model, Score
from sentinel.detect.behaviour.sessions import Step
from sentinel.errors import SentinelError


def main(arguments: Sequence[str]) -> int:
    """Serve until the input ends; return the exit code."""
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    warnings.simplefilter("ignore")
    try:
        model = Model.load(Path(arguments[0]))
        model.warm_up()
    except SentinelError as error:
        _answer(answers, Broken(str(error)))
        return int(error.exit_code)
    _answer(answers, Ready(model.manifest.threshold))
    questions = sys.stdin.buffer
    while (ask := read_ask(questions)) is not None:
        _answer(answers, Scores(_scores(model, ask)))
    return 0


def _scores(model: Model, ask: Ask) -> list[Score | None]:
    """Score all at once; where that fails, one by one, so that one session spoils no other."""
    try:
        return list(model.score(ask.sessions))
    except Exception:  # whatever a numeric library raises
        return [_alone(model, steps) for steps in ask.sessions]


def _alone(model: Model, steps: tuple[Step, ...]) -> Score | None:
    try:
        return model.score([steps])[0]
    except Exception:
        return None


def _answer(descriptor: int, reply: Reply) -> None:
    rest = memoryview(frame(reply))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
