"""Reading what a role says without running it: its code, the resources in it and what they name."""
