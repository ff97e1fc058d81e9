"""A server under load beside Litestream, both killed at once; the replica is restored and served.

Called by tests/litestream/run with the paths of both programs. All that was accepted more than a few seconds before the
kill must be there, and a server must go on with it.
"""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

CLIENTS = 8
# So much that Litestream, and not only the server, has copied the log back several times.
ACCEPTED = 3000
# It copies every second, and this machine may be busy.
LOST_AT_MOST_SECONDS = 10

CONFIG = """
[server]
listen = "127.0.0.1:0"
data_dir = "data"
api_requests_per_minute = 0
[[upstreams]]
name = "main"
kind = "offline"
requests_per_minute = 0
tokens_per_minute = 0
[tiers.enterprise]
max_queued = 1000000
requests_per_hour = 1000000
requests_per_day = 1000000
[generation]
coalesce = false
[cache]
enabled = false
"""


class Server:
    """The program, serving in a directory."""

    def __init__(self, program, folder):
        environment = {"PATH": os.environ["PATH"], "DIAGRAMD_LOG__FORMAT": "json"}
        self.process = subprocess.Popen(
            [program, "serve", "--config", "config.toml"],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for line in self.process.stderr:
            match = re.search(r"http://127\.0\.0\.1:\d+", line)
            if match and "serving" in line:
                self.url = match.group()
                break
        else:
            sys.exit("the server did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def call(self, key, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=body and json.dumps(body).encode())
        request.add_header("x-api-key", key)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


class Load:
    """Clients that submit one request after another until the server is gone."""

    def __init__(self, server, key):
        self.accepted, self.lock, self.enough = {}, threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.submit, args=(server, key, n)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def submit(self, server, key, number):
        step = 0
        while True:
            body = {"prompt": f"step {step} of {number}, then the next", "diagramType": "graphviz"}
            try:
                answer = server.call(key, "POST", "/api/diagram/generate", body)
            except OSError:
                return
            step += 1
            with self.lock:
                self.accepted[answer["requestId"]] = time.monotonic()
                if len(self.accepted) >= ACCEPTED:
                    self.enough.set()


def run(*command, cwd=None):
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{command}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def main(program, litestream, folder):
    (folder / "config.toml").write_text(CONFIG)
    database = folder / "data" / "diagramd.db"
    (folder / "litestream.yml").write_text(
        f"dbs:\n  - path: {database}\n    replicas:\n      - type: file\n        path: {folder}/replica\n"
    )
    server = Server(program, folder)
    key = run(program, "key", "create", "--config", "config.toml", "--user", "ann", "--tier", "enterprise", cwd=folder)
    key = key.strip()
    with (folder / "litestream.log").open("w") as log:
        replicating = subprocess.Popen([litestream, "replicate", "-config", "litestream.yml"], cwd=folder, stdout=log, stderr=log)
    load = Load(server, key)
    if not load.enough.wait(timeout=300):
        sys.exit(f"only {len(load.accepted)} were accepted in five minutes")
    log_bytes = database.with_name("diagramd.db-wal").stat().st_size
    # The machine is lost.
    killed = time.monotonic()
    replicating.kill()
    server.process.kill()
    for ended in (replicating, server.process):
        ended.wait()
    for thread in load.threads:
        thread.join()
    shutil.move(database, folder / "lost.db")

    run(litestream, "restore", "-config", "litestream.yml", "-o", "restored.db", str(database), cwd=folder)
    run(program, "restore", "--check", "restored.db", cwd=folder)
    with sqlite3.connect(folder / "restored.db") as restored:
        there = {f"req_{id.hex()}" for (id,) in restored.execute("SELECT id FROM job")}
    lost = [killed - accepted for id, accepted in load.accepted.items() if id not in there]
    print(
        f"{len(load.accepted)} accepted, {len(lost)} of them lost, the first of these {max(lost, default=0):.2f} s before the kill; "
        f"the log was {log_bytes / 1e6:.1f} MB"
    )
    if max(lost, default=0) > LOST_AT_MOST_SECONDS:
        sys.exit("more was lost than Litestream says")

    for left in database.parent.glob("diagramd.db*"):
        left.unlink()
    run(program, "restore", "restored.db", "--config", "config.toml", cwd=folder)
    server = Server(program, folder)
    id = next(id for id in load.accepted if id in there)
    status = server.call(key, "GET", f"/api/diagram/status/{id}")["status"]
    server.process.terminate()
    if server.process.wait() != 0 or status not in ("queued", "processing", "completed"):
        sys.exit(f"{id} is {status} on the restored database")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), pathlib.Path(temporary))
