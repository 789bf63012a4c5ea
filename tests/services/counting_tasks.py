"""Functions for units of work: in a module, so that other processes find them."""

from __future__ import annotations

import os
import signal
import time

from twin.errors import TooLargeError


def squared(number: int) -> int:
    """The later a unit comes, the sooner it is done."""
    time.sleep(0.02 if number % 5 == 0 else 0.0)
    return number * number


def whose(_: int) -> int:
    return os.getpid()


def odd_ones_fail(number: int) -> int:
    if number == 3:
        raise TooLargeError("Too large.", value=number, limit="2", remedy="Take less.")
    if number == 5:
        raise ZeroDivisionError("division by zero")
    return number


def dies(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleeps(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
