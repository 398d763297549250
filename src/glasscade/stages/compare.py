"""Beside the workflow: two folders of results of one configuration, from two machines.

What must agree depends on what the two have in common (docs/howto/reproduce.md). With the same
code, packages and machine code every number is the same, whatever the number of threads. Otherwise
sums are taken in another order: what follows from the start without chaos agrees to a tolerance,
and of particles, whose paths part, each value lies within what the two intervals allow.
"""

from __future__ import annotations
