"""Ask the model's process for scores, and outlive it.

The process may die at any moment: it is started again after a growing pause, and the sessions that
it was asked about are asked again. A session on which it dies every time is given up and counted,
so that one poisoned session cannot stop the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sentinel.detect.behaviour.frames import Ask, Broken, Ready, Reply, Scores, frame, read_reply
from sentinel.detect.behaviour.manifest import read_manifest
from sentinel.detect.behaviour.model import Score, require_extra
from sentinel.detect.behaviour.sessions import Session
from sentinel.errors import ContentError

_WORKER = "sentinel.detect.behaviour.worker"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ATTEMPTS = 3
_LARGEST_ASK = 256  # sessions


class Died(Exception):
    """The process ended, or does not answer."""


class Scorer:
    """Owns one worker process. ``restarts`` and ``unscorable`` (sessions) are counted."""

    def __init__(
        self,
        directory: Path,
        *,
        pause: float = 0.5,
        longest_pause: float = 30.0,
        answer_within: float = 60.0,
    ) -> None:
        """Prepare, without starting. Pauses and ``answer_within`` are seconds."""
        self._directory = directory
        self._pause = pause
        self._longest_pause = longest_pause
        self._answer_within = answer_within
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._failures = 0
        self.restarts = 0
        self.unscorable = 0
        self.last_failure = ""

    @property
    def up(self) -> bool:
        """Tell whether the process is there and answered last time."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process's id, None while it is down."""
        return self._process.pid if self.up and self._process else None

    async def start(self) -> None:
        """Check the model and start its process; return once it answers.

        Raises MissingExtra, ContentError or UnreadableFile where the model can never work.
        """
        require_extra()
        read_manifest(self._directory)
        async with self._lock:
            if not self.up:
                try:
                    await self._spawn()
                except Died as error:
                    raise ContentError(str(error), where=str(self._directory)) from error

    async def stop(self) -> None:
        """End the process; sessions that wait for a score stay with whoever asked."""
        await self._end()

    async def score(self, sessions: Sequence[Session]) -> list[Score | None]:
        """Return one score for each session; None where none could be had in three attempts.

        Waits as long as the process cannot be started. Safe to cancel.
        """
        async with self._lock:
            scores: list[Score | None] = []
            for begin in range(0, len(sessions), _LARGEST_ASK):
                scores += await self._score(sessions[begin : begin + _LARGEST_ASK])
            return scores

    async def _score(self, sessions: Sequence[Session]) -> list[Score | None]:
        for _ in range(_ATTEMPTS):
            await self._ensure()
            try:
                scores = await self._ask(sessions)
            except Died as error:
                await self._died(error)
            else:
                self.unscorable += scores.count(None)
                return scores
        if len(sessions) == 1:
            self.unscorable += 1
            return [None]
        half = len(sessions) // 2
        return [*await self._score(sessions[:half]), *await self._score(sessions[half:])]

    async def _ensure(self) -> None:
        """Return once there is a process that answers."""
        while not self.up:
            if self._failures:
                pause = self._pause * 2 ** (self._failures - 1)
                await asyncio.sleep(min(pause, self._longest_pause))
            try:
                self.restarts += 1
                await self._spawn()
                self._failures = 0
            except (Died, OSError) as error:
                await self._died(error)

    async def _ask(self, sessions: Sequence[Session]) -> list[Score | None]:
        process = self._process
        if process is None or process.stdin is None:
            raise Died("there is no process")
        try:
            process.stdin.write(frame(Ask([session.steps for session in sessions])))
            async with asyncio.timeout(self._answer_within):  # wait_for may swallow a cancellation
                await process.stdin.drain()
        except (OSError, TimeoutError) as error:
            raise Died("the process does not listen") from error
        except asyncio.CancelledError:
            await self._end()  # half a question was put: the next one needs a fresh process
            raise
        reply = await self._reply(process)
        if not isinstance(reply, Scores) or len(reply.scores) != len(sessions):
            raise Died("the answer does not fit the question")
        return reply.scores

    async def _spawn(self) -> None:
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _WORKER,
            str(self._directory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            process_group=0,  # Ctrl-C is for the service, which ends the child in good order
        )
        self._process = process
        reply = await self._reply(process)
        if isinstance(reply, Broken):
            await self._end()
            raise Died(reply.message)
        if not isinstance(reply, Ready):
            await self._end()
            raise Died("the process does not introduce itself")

    async def _reply(self, process: asyncio.subprocess.Process) -> Reply:
        if process.stdout is None:
            raise Died("there is no answer to read")
        try:
            async with asyncio.timeout(self._answer_within):
                return await read_reply(process.stdout)
        except (EOFError, OSError, ValueError, TimeoutError) as error:
            await self._end()
            raise Died(f"the process gave no answer ({type(error).__name__})") from error
        except asyncio.CancelledError:
            await self._end()
            raise

    async def _died(self, error: Exception) -> None:
        self._failures += 1
        self.last_failure = str(error)
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
