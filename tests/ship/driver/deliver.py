"""Run by a policy of these tests on its last line: packs a value and writes the parcel to the file in argv[1]."""

import json
import sys
from pathlib import Path

from opsmop.errors import ShipError
from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.ship.packages import package_bundle
from opsmop.ship.role import pack


def parcel(value: object, **options: int) -> None:
    own = type(value).__mro__ if isinstance(value, Role) else ()

    def staying(kind: type) -> frozenset[str]:
        return CONTROLLER_SIDE if kind in own else frozenset()

    try:
        made = pack(value, controller_side=staying, **options)
    except ShipError as error:
        answer = {"error": str(error)}
    else:
        packages = package_bundle(made.packages)
        answer = {
            "payload": made.payload.hex(),
            "sources": made.sources,
            "packages": made.packages,
            "strings": sorted(made.strings),
            "bundle": packages.raw().hex() if packages else "",
        }
    Path(sys.argv[1]).write_text(json.dumps(answer), encoding="utf-8")
