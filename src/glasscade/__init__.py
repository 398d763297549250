"""Stress cascades in glasses: coarse-grained stress budgets of soft amorphous matter.

Nothing is imported here: a job of the workflow pays only for the modules it uses.
"""

__version__ = "0.1.0"
