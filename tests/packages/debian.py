"""`debian.py ROOT`: the package in ROOT/root/diagramd.deb, in a clean Debian that the real systemd runs. Called by run.

Installed, used, installed again over itself, removed, and purged, until the file system is as it was before.
"""

import os
import re
import subprocess
import sys
import time

from inside import Container, podman

root = sys.argv[1]
PORT = "127.0.0.1:3000"
# What a running system writes by itself.
LIVELY = re.compile(r"/(proc|sys|dev|run|tmp|root|var/(log|cache|tmp)|var/lib/(dpkg|systemd/(timers|catalog|random-seed|coredump|linger|ephemeral-trees)|private))(/|$)|-$|\.lock$")


def files():
    """Every path of the root, with its owner and its mode."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            said = path.removeprefix(root)
            if not LIVELY.search(said):
                facts = os.lstat(path)
                found[said] = (facts.st_uid, facts.st_gid, oct(facts.st_mode))
    return found


def text(path):
    with open(root + path) as file:
        return file.read()


def main():
    podman("run", "--detach", "--name", "debian", "--systemd", "always", "--privileged", "--network", "none", "--rootfs", root, "/sbin/init")
    debian = Container("debian")
    try:
        started()
        # As on a machine that systemd has started itself: what it mounts for a service, such as its secrets, the service sees.
        debian.run("mount", "--make-rshared", "/")
        before, people = files(), text("/etc/passwd")
        install(debian)
        key = use(debian)
        finds_names_by_itself(debian)
        with_a_secret(debian, key)
        over_itself(debian, key)
        remove(debian)
        purge(debian, before, people)
        purge_of_nothing(debian, before, people)
    except BaseException:
        subprocess.run(["podman", "exec", "debian", "journalctl", "--no-pager", "--lines", "40", "--unit", "diagramd"], stdout=sys.stderr)
        raise
    finally:
        podman("rm", "--force", "--time", "10", "debian")


def started():
    """Until systemd answers: before it listens, a question fails at once."""
    latest = time.monotonic() + 60
    while subprocess.run(["podman", "exec", "debian", "systemctl", "is-system-running", "--wait"], capture_output=True).returncode != 0:
        assert time.monotonic() < latest, "systemd has not started"


def is_active(debian):
    # First the question: with the socket it starts the service.
    assert debian.run("diagramd", "health") == f"http://{PORT} is ready\n"
    assert debian.run("systemctl", "is-active", "diagramd") == "active\n"


def install(debian):
    debian.run("dpkg", "--install", "/root/diagramd.deb")
    is_active(debian)
    assert debian.run("systemctl", "is-enabled", "diagramd.service") == "enabled\n"
    assert "disabled" in debian.run("systemctl", "is-enabled", "diagramd.socket", fails=True)
    user = debian.run("getent", "passwd", "diagramd").split(":")
    assert int(user[2]) < 1000 and user[5:] == ["/var/lib/diagramd", "/usr/sbin/nologin\n"], user
    assert debian.run("stat", "--format", "%U %a", "/var/lib/diagramd", "/etc/diagramd/secrets").split("\n")[:2] == ["diagramd 700", "root 700"]
    main_process = debian.run("systemctl", "show", "--property", "MainPID", "--value", "diagramd").strip()
    status = debian.run("cat", f"/proc/{main_process}/status")
    assert re.search(r"^CapEff:\t0+$", status, re.M) and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, status
    shipped = debian.run("dpkg", "--listfiles", "diagramd").split("\n")
    for path in ["/usr/share/man/man1/diagramd.1.gz", "/usr/share/bash-completion/completions/diagramd", "/usr/share/zsh/vendor-completions/_diagramd", "/usr/share/fish/vendor_completions.d/diagramd.fish", "/usr/share/doc/diagramd/copyright", "/usr/share/doc/diagramd/THIRD-PARTY-NOTICES.gz", "/usr/share/doc/diagramd/sbom.cdx.json"]:
        assert path in shipped, path
    assert "/etc/diagramd/config.toml" in debian.run("cat", "/var/lib/dpkg/info/diagramd.conffiles")
    assert debian.run("diagramd", "--config", "/etc/diagramd/config.toml", "config", "check")


def verb(debian, *arguments):
    """A verb on the data directory, as the manual says."""
    return debian.run("runuser", "-u", "diagramd", "--", "diagramd", "--config", "/etc/diagramd/config.toml", *arguments).strip()


def use(debian):
    """Whoever is given a key gets a picture."""
    key = verb(debian, "key", "create", "--user", "ann", "--tier", "pro")
    debian.run("diagramd", "generate", "Order arrives; if in stock ship it", "--server", f"http://{PORT}", "--key", key, "-o", "/tmp/order.svg")
    assert "<svg" in debian.run("cat", "/tmp/order.svg")
    assert '"used": 1' in debian.run("diagramd", "usage", "--key", key, "--json")
    return key


def finds_names_by_itself(debian):
    """A module for names that ends whoever loads it, as one of another C library does, is never loaded."""
    place, said = root + "/etc/nsswitch.conf", text("/etc/nsswitch.conf")
    debian.run("sh", "-c", "cp /root/libnss_trap.so.2 /usr/lib/$(uname -m)-linux-gnu/")
    with open(place, "w") as file:
        file.write("hosts: trap files dns\npasswd: trap files\n")
    debian.run("getent", "hosts", "localhost", fails=True)
    server = PORT.replace("127.0.0.1", "localhost")
    assert debian.run("env", "--unset=HOME", "diagramd", "health", "--server", f"http://{server}").endswith("is ready\n")
    with open(place, "w") as file:
        file.write(said)
    debian.run("sh", "-c", "rm /usr/lib/$(uname -m)-linux-gnu/libnss_trap.so.2")


def with_a_secret(debian, key):
    """A file in /etc/diagramd/secrets is the service's, by systemd's credentials."""
    debian.run("sh", "-c", "umask 077; echo sk-SECRET > /etc/diagramd/secrets/anthropic.key")
    lanes = '[[upstreams]]\nname = "main"\nkind = "anthropic"\napi_key_file = "/run/credentials/diagramd.service/secret_anthropic.key"\n[[upstreams]]\nname = "rules"\nkind = "offline"\n'
    debian.run("sh", "-c", f"cat >> /etc/diagramd/config.toml <<'END'\n{lanes}END")
    debian.run("systemctl", "restart", "diagramd")
    is_active(debian)
    said = debian.run("journalctl", "--no-pager", "--unit", "diagramd")
    assert '"name":"main"' in said and "sk-SECRET" not in said, said
    assert '"used": 1' in debian.run("diagramd", "usage", "--key", key, "--json"), "the restart forgot something"


def over_itself(debian, key):
    """As an upgrade does: what the operator wrote stays, and the service is started anew."""
    ask = ["systemctl", "show", "--property", "MainPID", "--value", "diagramd"]
    before = debian.run(*ask)
    debian.run("dpkg", "--install", "/root/diagramd.deb")
    is_active(debian)
    assert debian.run(*ask) != before, "the old program still runs"
    assert "secret_anthropic.key" in text("/etc/diagramd/config.toml")
    assert '"used": 1' in debian.run("diagramd", "usage", "--key", key, "--json")


def remove(debian):
    # Who wants the socket, enables it.
    debian.run("systemctl", "stop", "diagramd.service")
    debian.run("systemctl", "enable", "--now", "diagramd.socket")
    is_active(debian)
    debian.run("dpkg", "--remove", "diagramd")
    for unit in ["diagramd.service", "diagramd.socket"]:
        assert debian.run("systemctl", "is-active", unit, fails=True).strip() in ["inactive", "unknown"], unit
    assert not os.path.exists(root + "/usr/bin/diagramd")
    assert "secret_anthropic.key" in text("/etc/diagramd/config.toml")
    assert os.path.getsize(root + "/var/lib/diagramd/diagramd.db") > 0


def purge(debian, before, people):
    """What is people's stays, and it is said how to remove it; then nothing is left."""
    said = debian.told("dpkg", "--purge", "diagramd")
    command = re.search(r"diagramd:   (rm -rf .*; userdel diagramd)$", said, re.M)
    assert command and "kept /var/lib/diagramd /etc/diagramd/secrets and the user diagramd" in said, said
    kept = {path for path in set(files()) - set(before)}
    assert kept and all(re.match(r"/(var/lib/diagramd|etc/diagramd)(/|$)", path) for path in kept), kept
    assert "/etc/diagramd/config.toml" not in kept
    debian.run("sh", "-c", command[1])
    same(before, people)


def purge_of_nothing(debian, before, people):
    """Where nothing was stored, nothing has to be said."""
    debian.run("dpkg", "--install", "/root/diagramd.deb")
    debian.run("systemctl", "stop", "diagramd")
    debian.run("sh", "-c", "rm -r /var/lib/diagramd/*")
    said = debian.told("dpkg", "--purge", "diagramd")
    assert "kept" not in said, said
    same(before, people)


def same(before, people):
    now = files()
    assert now == before, {path: (before.get(path), now.get(path)) for path in set(now) ^ set(before) | {path for path in before if now.get(path) != before[path]}}
    assert text("/etc/passwd") == people


main()
print("installed, used, installed over itself, removed, purged: nothing is left")
