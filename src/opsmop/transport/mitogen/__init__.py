"""Connection trees, and becoming another user on a terminal: the one place that knows mitogen."""
