"""From findings to a breach that is handled: fold, workflow, clocks, runbooks."""
