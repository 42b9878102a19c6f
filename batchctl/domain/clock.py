"""Time enters the program through these two callables and nowhere else."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Returns the current instant with its zone; in production the database's clock, so that all workers share one."""

Sleep = Callable[[float], None]
"""Waits that many seconds; a test's version moves the test's clock instead."""
