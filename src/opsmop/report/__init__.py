"""What people see of a run. A report is a callable that takes an `opsmop.events.Event`."""
