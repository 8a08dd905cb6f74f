"""Experiments between recommendation strategies: who is in which group, and what may be concluded."""
