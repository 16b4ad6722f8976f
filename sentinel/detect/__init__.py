"""From stored events to findings: scope, rules, correlations, behaviour."""
