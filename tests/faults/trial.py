"""What a kind of trial is, so that the long run can repeat it with one seed after another."""

from collections.abc import Callable, Mapping

from tests.faults.ground import Ground

Trial = Callable[[Ground, int], int | None]
"""Takes ground and a seed, which decides all that chance decides; returns how often a fault struck (None: once).

Raises whatever shows that something is wrong, AssertionError above all.
"""
Kinds = Mapping[str, Trial]
"""Trials by the names of their kinds. Seeds count up from 0, so a kind that must try every case takes the seed for its
number, modulo how many there are.
"""
