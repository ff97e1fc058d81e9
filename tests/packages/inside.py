"""A container that a test has started: commands in it, its files, its process."""

import json
import subprocess


def podman(*arguments, fails=False):
    """Standard output; with `fails`, all that a command says that must not succeed."""
    ran = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=120)
    assert (ran.returncode != 0) == fails, f"podman {' '.join(arguments)}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr if fails else ran.stdout


class Container:
    def __init__(self, name):
        self.name = name

    def run(self, *command, fails=False):
        return podman("exec", self.name, *command, fails=fails)

    def told(self, *command):
        """Both outputs of a command that succeeds."""
        ran = subprocess.run(["podman", "exec", self.name, *command], capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran
        return ran.stdout + ran.stderr

    def facts(self):
        return json.loads(podman("inspect", self.name))[0]

    def process(self):
        """What the kernel says of its first process, by name."""
        with open(f"/proc/{self.facts()['State']['Pid']}/status") as lines:
            return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)

    def log(self):
        ran = subprocess.run(["podman", "logs", self.name], capture_output=True, text=True, timeout=60)
        return ran.stdout + ran.stderr

    def wait_for_log(self, words):
        """Reads on until the words are there."""
        reading = subprocess.Popen(["podman", "logs", "--follow", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seen = []
        try:
            for line in reading.stdout:
                seen.append(line)
                if words in line:
                    return line
        finally:
            reading.kill()
            reading.wait()
        raise AssertionError(f"it ended without {words!r}:\n{''.join(seen)}")
