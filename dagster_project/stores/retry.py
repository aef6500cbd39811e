"""When to try again, and how long to wait before."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import TRANSIENT


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter; what time is, and how to wait, can be replaced in tests.

    Attributes:
        attempts: Tries without progress before giving up.
        first_wait: Seconds before the second try, doubled from try to try.
        longest_wait: Upper bound of one wait, seconds.
        patience: Seconds without progress after which no further try is made.
        sleep: Waits that many seconds; None waits so that a stopped download ends at once.
        clock: Monotonic seconds.
        chance: A number in [0, 1).
    """

    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 30.0
    patience: float = 600.0
    sleep: Callable[[float], object] | None = None
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def wait_before(self, attempt: int) -> float:
        """Return the seconds to wait before the given try (the second try is number 2).

        At least half of the step, so that a throttled store is left alone; the rest is chance, so
        that parallel workers don't come back together.
        """
        step = min(self.longest_wait, self.first_wait * 2.0 ** min(attempt - 2, 30))
        return step * (1 + self.chance()) / 2


@dataclass(slots=True)
class Patience:
    """Count failures of one piece of work and wait between them.

    Attributes:
        policy: The rules.
        stop: Set when the whole work is given up; ends a wait early.
    """

    policy: RetryPolicy
    stop: threading.Event = field(default_factory=threading.Event)
    _tries: int = 1
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.policy.clock()

    def progressed(self) -> None:
        """Start counting anew: a line that breaks every few megabytes still gets there."""
        self._tries = 1
        self._since = self.policy.clock()

    def wait_or_raise(self, error: CloudtallyError, codes: frozenset[str] = TRANSIENT) -> None:
        """Wait before the next try.

        Raises:
            CloudtallyError: The given error, when it will not pass or patience is used up.
        """
        waited = self.policy.clock() - self._since
        used_up = self._tries >= self.policy.attempts or waited >= self.policy.patience
        if error.code not in codes or used_up or self.stop.is_set():
            raise error from None
        self._tries += 1
        seconds = self.policy.wait_before(self._tries)
        (self.policy.sleep or self.stop.wait)(seconds)
        if self.stop.is_set():
            raise error from None
