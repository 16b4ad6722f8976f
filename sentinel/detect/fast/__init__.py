"""The fast path: which rules can match an event at all, found for a batch at a time.

Every rule has a witness, a set of literals of which at least one stands in any event that the rule
matches; only rules whose witness fired are evaluated. The index may name a rule too many, never
one too few.
"""
