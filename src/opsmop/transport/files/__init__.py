"""The files of the controller: which of them a role may have, and how they get to its hosts."""

from opsmop.transport.files.depot import Depot
from opsmop.transport.files.digests import Digests
from opsmop.transport.files.rules import DEFAULT_ALLOW, DEFAULT_DENY, FileRules
from opsmop.transport.files.served import Served

__all__ = ["DEFAULT_ALLOW", "DEFAULT_DENY", "Depot", "Digests", "FileRules", "Served"]
