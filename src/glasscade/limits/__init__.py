"""From integrated budgets to limits, scales of dissipation, and verdicts."""
