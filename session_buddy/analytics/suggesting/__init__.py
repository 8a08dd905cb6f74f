"""Which skill comes next: strategies that learn from uses in order and rank candidates."""
