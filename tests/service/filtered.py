"""`filtered.py UNIT BINARY`: runs BINARY under the filter of system calls that UNIT sets, and has it do its work.

The filter is the one that systemd builds: the sets are systemd's own (`systemd-analyze syscall-filter`), what they do not
have fails with EPERM, and memory that is written is not executed. A first run shows that the filter is in force.
"""

import errno
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import seccomp

PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
DEADLINE = 60  # seconds, of any one answer


def expand(name):
    """The system calls of a set of systemd's, sets in it included."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True, capture_output=True, text=True)
    lines = (line.strip() for line in told.stdout.splitlines()[1:])
    return set().union(*(expand(line) for line in lines if line and not line.startswith("#")))


def settings(unit):
    with open(unit) as lines:
        pairs = [line.strip().split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return pairs


def allowed(unit):
    calls = set()
    for key, value in settings(unit):
        if key != "SystemCallFilter":
            continue
        named = set().union(*(expand(name) for name in value.lstrip("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    if not calls:
        sys.exit(f"{unit} sets no SystemCallFilter")
    return calls


def install(calls, denies_written_code):
    """Puts this process, and what it becomes, under the filter."""
    if denies_written_code:
        mask = seccomp.MASKED_EQ
        denied = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
        both = PROT_WRITE | PROT_EXEC
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "mmap", seccomp.Arg(2, mask, both, both))
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "mprotect", seccomp.Arg(2, mask, PROT_EXEC, PROT_EXEC))
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "pkey_mprotect", seccomp.Arg(2, mask, PROT_EXEC, PROT_EXEC))
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "shmat", seccomp.Arg(2, mask, SHM_EXEC, SHM_EXEC))
        denied.load()
    rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(errno.EPERM))
    # What the manager itself needs to start a service.
    for call in calls | {"execve", "exit", "exit_group", "rt_sigreturn"}:
        try:
            rules.add_rule(seccomp.ALLOW, call)
        except (RuntimeError, ValueError, OSError):
            pass  # This processor has no such call.
    rules.load()


def call(url, key, path, body=None, wait=False):
    headers = {"X-API-Key": key, "Content-Type": "application/json"} | ({"Prefer": "wait=30"} if wait else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=DEADLINE) as answer:
        return answer.status, answer.read()


def smoke(url, key):
    """Every kind of work: a request with its verdict and its pictures, a verdict for a caller, Graphviz, the pages."""
    status, body = call(url, key, "/api/diagram/generate", {"prompt": "Order arrives; if in stock ship it"}, wait=True)
    done = json.loads(body)
    assert (status, done["status"], done["validation"]["status"]) == (200, "completed", "valid"), done
    request = done["requestId"]
    assert call(url, key, f"/api/diagram/svg/{request}")[1].startswith(b"<svg")
    assert call(url, key, f"/api/diagram/png/{request}")[1].startswith(b"\x89PNG")
    source = {"diagramType": "mermaid", "source": "flowchart TD\n a --> b"}
    assert json.loads(call(url, key, "/api/diagram/validate", source)[1])["valid"] is True
    dot = {"diagramType": "graphviz", "source": "digraph { a -> b }"}
    assert b"<svg" in call(url, key, "/api/diagram/render", dot)[1]
    for path in ["/", "/admin", "/docs", "/readyz", "/openapi.json"]:
        assert call(url, key, path)[0] == 200, path


def started(program, directory):
    """A server that serves, its address, and a key."""
    command = [program, "serve", "--config", "config.toml", "--data-dir", "data", "--listen", "127.0.0.1:0"]
    environment = os.environ | {"DIAGRAMD_LOG__FORMAT": "json"}
    server = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seen = []
    for line in server.stderr:
        seen.append(line)
        if '"serving"' in line:
            return server, json.loads(line)["address"]
    sys.exit("it did not start:\n" + "".join(seen))


def main():
    unit, binary = sys.argv[1:]
    calls = allowed(unit)
    denies_written_code = ["MemoryDenyWriteExecute", "yes"] in settings(unit)
    install(calls, denies_written_code)
    refused = subprocess.run(["/usr/bin/python3", "-c", "import os; os.chroot('/')"], capture_output=True, text=True)
    assert "PermissionError" in refused.stderr, "the filter is not in force"
    os.environ.pop("ANTHROPIC_API_KEY", None)
    with tempfile.TemporaryDirectory() as directory:
        open(os.path.join(directory, "config.toml"), "w").close()
        server, url = started(binary, directory)
        try:
            made = [binary, "key", "create", "--user", "ann", "--data-dir", "data"]
            key = subprocess.run(made, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()
            smoke(url, key)
        finally:
            server.terminate()
            rest = server.stderr.read()
        assert server.wait(DEADLINE) == 0, rest
    print(f"{len(calls)} system calls allowed; everything worked")


main()
