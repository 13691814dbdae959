"""The example in Python of the documentation, run as it stands there."""

import re
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from gateway import Gateway

PAGE = Path(__file__).parents[3] / "docs/frontend.md"
EXPECTED = ["in room_team-1 with 0 others", "ann: hello from Python"]


class Example(unittest.TestCase):
    def test_the_example_for_python_does_what_it_says(self) -> None:
        found = re.search(r"<!-- example: run by tests/clients -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self.assertIsNotNone(found, "the page has its example")
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        directory = tempfile.TemporaryDirectory(prefix="example-")
        self.addCleanup(directory.cleanup)
        program = Path(directory.name) / "frontend.py"
        program.write_text(found[1])
        process = subprocess.Popen(
            [sys.executable, "-u", program],
            env={"GATEWAY_URL": gateway.url, "TOKEN": gateway.token("ann")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # Reading has no timeout of its own; a process that is gone ends it.
        watchdog = threading.Timer(60, process.kill)
        self.addCleanup(watchdog.cancel)
        watchdog.start()
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line.rstrip())
            if seen[-len(EXPECTED) :] == EXPECTED:
                return
        self.fail("\n".join(seen))


if __name__ == "__main__":
    unittest.main()
