"""Runs on a target that has nothing of ours: reads boot text, bundles and payload from stdin, prints main()'s result."""

import json
import sys
import traceback

stdin = sys.stdin.buffer
sizes = json.loads(stdin.readline())
boot, raw, packages, payload = (stdin.read(size) for size in sizes)
here = {"__name__": "boot"}
exec(compile(boot, "<boot>", "exec"), here)
if packages:
    here["install"](packages, "1" * 64)
here["install"](raw, "0" * 64)
from opsmop.wire.rebuild import unpack  # noqa: E402 - it can only be imported now

try:
    answer = unpack(payload).main()
except Exception:  # noqa: BLE001 - whatever it is, it is shown
    traceback.print_exc()
    sys.exit(1)
sys.stdout.write(json.dumps(answer))
