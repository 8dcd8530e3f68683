"""Runs on a target that has nothing of ours: reads boot text, bundles and payload from stdin, prints main()'s result."""

import json
import sys
import traceback

stdin = open(0, "rb", closefd=False)
sizes = json.loads(stdin.readline())
boot, raw, packages, payload = (stdin.read(size) for size in sizes)
here = {"__name__": "boot"}
exec(compile(boot, "<boot>", "exec"), here)
if packages:
    here["install"](packages, "1" * 64)
here["install"](raw, "0" * 64)
from opsmop.wire.rebuild import unpack

try:
    answer = unpack(payload).main()
except Exception:
    traceback.print_exc()
    sys.exit(1)
sys.stdout.write(json.dumps(answer))
