"""A running diagramd of its own, for the checks of this folder: own directory, own port.

As a program, `python server.py BINARY COMMAND…` runs the command with the server's URL behind it.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

CONFIG = """
[server]
api_requests_per_minute = 0
anonymous_requests_per_minute = 0
[queue]
max_queued = 100000
[tiers.enterprise]
requests_per_hour = 1000000
requests_per_day = 1000000
max_queued = 100000
[webhooks]
allow_private_addresses = true
"""


class Server:
    """A running server in a directory of its own."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, Path(folder)
        (self.folder / "config.toml").write_text(CONFIG)
        environment = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_API_KEY"}
        self.process = subprocess.Popen(
            [binary, "serve", "--config", "config.toml", "--data-dir", "data", "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={**environment, "DIAGRAMD_LOG__FORMAT": "json"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.faults = []
        self.url = self._address()
        # The pipe must be read, or the server would block on a full one.
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _address(self):
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            said = json.loads(line)
            if said.get("message") == "serving":
                return said["address"]
        raise SystemExit("the server did not start:\n" + "".join(seen))

    def _read(self):
        for line in self.process.stderr:
            if '"level":"ERROR"' in line or "panicked" in line:
                self.faults.append(line)

    def key(self, user, *more):
        """A new key, made by the command line."""
        command = [self.binary, "key", "create", "--user", user, "--data-dir", "data", *more]
        made = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return made.stdout.strip()

    def get(self, path, key=None):
        """The body of an answer that must be good."""
        headers = {} if key is None else {"X-API-Key": key}
        with urlopen(Request(f"{self.url}{path}", headers=headers)) as answer:
            return answer.read().decode()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.terminate()
        try:
            status = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join()
        return status


@contextmanager
def serving(binary):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        try:
            yield server
        finally:
            status = server.stop()
        if status != 0 or server.faults:
            raise SystemExit(f"the server ended with {status}; faults:\n" + "".join(server.faults))


if __name__ == "__main__":
    with serving(sys.argv[1]) as server:
        status = subprocess.run([*sys.argv[2:], server.url]).returncode
    sys.exit(status)
