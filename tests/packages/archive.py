"""`archive.py DIST`: the checksums hold, and the archive, unpacked anywhere, is a whole installation. Called by run."""

import glob
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile

dist = sys.argv[1]


def checksums():
    with open(os.path.join(dist, "SHA256SUMS")) as lines:
        sums = dict(reversed(line.split()) for line in lines)
    files = {name for name in os.listdir(dist) if os.path.isfile(os.path.join(dist, name))} - {"SHA256SUMS"}
    assert set(sums) == files and len(files) == 3, (sums, files)
    for name, said in sums.items():
        with open(os.path.join(dist, name), "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == said, name


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    checksums()
    [archive] = glob.glob(os.path.join(dist, "*.tar.gz"))
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
            tar.extractall(directory)
        names = [member.name for member in members]
        assert names == sorted(names, key=lambda name: name.split("/")), "the order depends on the file system"
        assert len({member.mtime for member in members}) == 1, "the times are not the commit's"
        assert {(member.uid, member.gid, member.mode & 0o022) for member in members} == {(0, 0, 0)}
        [top] = os.listdir(directory)
        at = lambda name: os.path.join(directory, top, name)
        binary = at("diagramd")
        linked = subprocess.run(["ldd", binary], capture_output=True, text=True)
        assert "statically linked" in linked.stdout or "not a dynamic executable" in linked.stderr, linked
        assert f"diagramd {top.removeprefix('diagramd-')}\n" == run(binary, "version")
        # Without a library, a variable or a file beside it.
        drawn = run("env", "-i", binary, "render", write(at("order.mmd"), "flowchart TD\n a --> b\n"), "-o", at("order.svg"))
        with open(at("order.svg")) as picture:
            assert drawn == "" and "<svg" in picture.read()
        pages = {os.path.basename(page) for page in glob.glob(at("man/man1/*.1"))}
        assert {"diagramd.1", "diagramd-serve.1", "diagramd-health.1"} <= pages, pages
        warned = subprocess.run(["groff", "-man", "-Tutf8", "-ww", at("man/man1/diagramd.1")], capture_output=True, text=True)
        assert warned.returncode == 0 and "health" in warned.stdout, warned.stderr
        completed = run("bash", "--norc", "-c", f"source {at('completions/diagramd.bash')}; COMP_WORDS=(diagramd hea); COMP_CWORD=1; _diagramd diagramd hea diagramd; echo ${{COMPREPLY[@]}}")
        assert completed.split() == ["health"], completed
        # What the papers link to is in the archive.
        for paper in [at("README.md"), *glob.glob(at("docs/*.md"))]:
            with open(paper) as text:
                for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text.read()):
                    here = os.path.normpath(os.path.join(os.path.dirname(paper), link))
                    assert os.path.exists(here), f"{paper} names {link}, which is in the clone only"
        with open(at("THIRD-PARTY-NOTICES")) as text:
            notices = text.read()
        for name in ["tokio 1.", "mermaid 12", "libsqlite3-sys", "graphviz 1", "GNU LESSER GENERAL PUBLIC LICENSE"]:
            assert name in notices, f"no notice of {name}"
    print(f"{os.path.basename(archive)}: {len(names)} files, {os.path.getsize(archive) / 1e6:.1f} MB")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


main()
