"""`container.py FOLDER DIST`: the image of FOLDER/Dockerfile, made of DIST/image, run as FOLDER/compose.yaml says. Called by
run, in a network namespace of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import elsewhere
from inside import Container, podman

folder, dist = sys.argv[1:]
URL = "http://127.0.0.1:3000"
SECRET = "sk-ant-SECRET"
USER = "65532"


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    image = build()
    shape(image)
    composed()
    encrypted(image)
    print("built, run from the compose file, stopped, run again on its volume; names are looked up, certificates compared")


def build():
    with open(os.path.join(folder, "compose.yaml")) as file:
        name = re.search(r"^    image: (\S+)$", file.read(), re.M)[1]
    with open(os.path.join(folder, "../../Cargo.toml")) as file:
        assert name == "diagramd:" + re.search(r'^version = "(.*)"', file.read(), re.M)[1], "the compose file names another version"
    podman("build", "--format", "docker", "--isolation", "chroot", "--build-context", f"build={dist}", "--file", os.path.join(folder, "Dockerfile"), "--tag", name, folder)
    return name


def shape(image):
    """What is in it, whose it is, and what it says of itself."""
    said = json.loads(podman("image", "inspect", image))[0]
    facts = said["Config"]
    assert facts["User"] == f"{USER}:{USER}" and said["Healthcheck"]["Test"] == ["CMD", "/usr/bin/diagramd", "health"], said
    assert list(facts["Volumes"]) == ["/var/lib/diagramd"] and list(facts["ExposedPorts"]) == ["3000/tcp"], facts
    mounted = podman("image", "mount", image).strip()
    found = {}
    for at, folders, names in os.walk(mounted):
        for name in [*folders, *names]:
            facts = os.lstat(os.path.join(at, name))
            found[os.path.join(at, name).removeprefix(mounted)] = (facts.st_uid, facts.st_mode & 0o7022)
    podman("image", "unmount", image)
    assert found.pop("/var/lib/diagramd") == (int(USER), 0)
    others = {path: facts for path, facts in found.items() if facts != (0, 0)}
    assert not others, f"not root's, or others may write it: {others}"
    programs = [path for path in found if "/bin/" in path]
    assert programs == ["/usr/bin/diagramd"] and "/etc/ssl/certs/ca-certificates.crt" in found, found


def call(path, key, body=None):
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(URL + path, data, headers), timeout=60) as answer:
        return answer.read()


def composed():
    """As the compose file says, from the first start to a second container on the same volume."""
    project = os.path.join(os.environ["work"], "project")
    shutil.copytree(folder, project)
    secrets = os.path.join(project, "secrets")
    os.mkdir(secrets)
    with open(os.path.join(secrets, "anthropic.key"), "w") as file:
        file.write(SECRET + "\n")
    os.chown(os.path.join(secrets, "anthropic.key"), int(USER), int(USER))
    os.chmod(os.path.join(secrets, "anthropic.key"), 0o400)

    def compose(*arguments):
        ran = subprocess.run([os.path.join(os.path.dirname(sys.executable), "podman-compose"), "--project-name", "shop", *arguments], cwd=project, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran

    compose("up", "--detach", "--no-build")
    server = Container("shop_diagramd_1")
    try:
        serves(server)
        confined(server)
        assert f'"name":"anthropic"' in server.log()
        key = server.run("diagramd", "key", "create", "--user", "ann", "--tier", "pro").strip()
        request = json.loads(call("/api/diagram/generate", key, {"prompt": "Order arrives; if in stock ship it"}))["requestId"]
        assert SECRET not in server.log() + podman("inspect", server.name)
        stops(server)
        compose("down")
        # No model is reached from here; what was accepted is drawn by rules then, by another container on the same volume.
        with open(os.path.join(project, "config.toml"), "w") as file:
            file.write('[[upstreams]]\nname = "rules"\nkind = "offline"\n')
        compose("up", "--detach", "--no-build")
        serves(server)
        assert b"event: completed" in call(f"/api/diagram/events/{request}", key)
        assert call(f"/api/diagram/svg/{request}", key).startswith(b"<svg")
        stops(server)
    except BaseException:
        print(server.log(), file=sys.stderr)
        raise
    compose("down")


def serves(server):
    server.wait_for_log('"serving"')
    podman("healthcheck", "run", server.name)
    assert server.run("diagramd", "health").endswith(" is ready\n")


def confined(server):
    """What the kernel lets it do, and the engine."""
    process = server.process()
    assert process["Uid"].split() == [USER] * 4 and process["Gid"].split() == [USER] * 4, process
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        assert int(process[capabilities], 16) == 0, (capabilities, process)
    assert process["NoNewPrivs"] == "1", process
    facts = server.facts()
    limits = facts["HostConfig"]
    assert limits["ReadonlyRootfs"] and limits["Memory"] == 1 << 30 and limits["PidsLimit"] == 256, limits
    with open(f"/proc/{facts['State']['Pid']}/mountinfo") as lines:
        options = {line.split()[4]: line.split()[5].split(",")[0] for line in lines}
    assert options["/"] == "ro" and options["/var/lib/diagramd"] == "rw" and options["/etc/diagramd/config.toml"] == "ro", options


def stops(server):
    """By SIGTERM, in order, and not by the engine's patience."""
    begun = time.monotonic()
    podman("stop", "--time", "60", server.name)
    assert server.facts()["State"]["ExitCode"] == 0 and time.monotonic() - begun < 40, server.facts()["State"]
    assert '"stopped"' in server.log()


def encrypted(image):
    """The upstream's name is looked up, and its certificate compared: with the image's authorities, with the program's own where
    the image has none, and with an operator's."""
    with elsewhere.Upstream() as upstream:
        for mounts, words in [
            ([], "UnknownIssuer"),
            ([(upstream.nothing, "/etc/ssl")], "UnknownIssuer"),
            ([(upstream.authority, "/etc/ssl/certs/ca-certificates.crt")], "refuses the key (401"),
        ]:
            mounts = [(upstream.config, "/etc/diagramd/config.toml"), (upstream.resolver, "/etc/resolv.conf"), *mounts]
            volumes = [f"--volume={source}:{target}:ro" for source, target in mounts]
            podman("run", "--detach", "--name", "secure", "--read-only", "--cap-drop", "ALL", "--network", "host", *volumes, image)
            server = Container("secure")
            try:
                serves(server)
                key = server.run("diagramd", "key", "create", "--user", "ann", "--tier", "pro").strip()
                call("/api/diagram/generate", key, {"prompt": "Order arrives"})
                server.wait_for_log(words)
            except BaseException:
                print(server.log(), file=sys.stderr)
                raise
            finally:
                podman("rm", "--force", "--volumes", "--time", "30", "secure")
        assert upstream.calls == 1, "only the one who knows the authority may have sent a request"


main()
