"""Installs what the suites need, from the one list of packages that packaging/campus uses as well."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

from runner import processes

LIST = "packaging/campuslib/packages.py"
INSTALL_SECONDS = 1200


class _Step:
    """What packages.install() shows its progress on."""

    def __init__(self, root: Path, log: Path) -> None:
        self._root = root
        self.log_path = str(log)

    def say(self, text: str) -> None:
        print(f"    {text}", flush=True)

    def run(self, argv: list[str], env: dict[str, str] | None = None, check: bool = True, **_unused: object) -> int:
        done = processes.run(argv, limit=INSTALL_SECONDS, log=Path(self.log_path), cwd=self._root, env=env)
        if done.code != 0:
            print(done.output[-4000:], flush=True)
            if check:
                raise RuntimeError(f"{argv[0]} failed, see {self.log_path}")
        return done.code


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dure_packages", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _peers(packages: ModuleType, names: list[str], step: _Step) -> None:
    """A benchmark skips, by name, the comparison with a peer that cannot be had."""
    try:
        packages.install(names, step)
    except packages.PackageError as error:
        step.say(f"peers of benchmarks: {error}")


def _emulator(root: Path, step: _Step) -> None:
    """QEMU as `campus up` has it: that of Debian 12 crashes the guests of a machine without KVM."""
    script = root / "packaging/image/qemu-backports"
    if script.exists() and step.run([str(script)], check=False) != 0:
        step.say("QEMU stays as it is")


def ensure(root: Path, log: Path, with_runtime: bool, with_peers: bool = False) -> str:
    """Installs what is missing. Returns what is still missing and why; empty when all is there."""
    if shutil.which("apt-get") is None or not (root / LIST).exists():
        return ""  # not Debian: the build says itself what it does not find
    packages = _load(root / LIST)
    try:
        release = packages.debian_release()
        wanted = packages.build(release) + packages.test(release) + (packages.runtime(release) if with_runtime else [])
        peers = packages.missing(packages.bench(release)) if with_peers else []
        missing = packages.missing(wanted)
        if peers and os.geteuid() == 0:
            _peers(packages, peers, _Step(root, log))
        if missing and os.geteuid() != 0:
            return f"not root, so these packages were not installed: {' '.join(missing)}"
        if missing:
            print(f"    installing {len(missing)} packages: {' '.join(missing)}", flush=True)
            packages.install(wanted, _Step(root, log))
        if with_runtime and os.geteuid() == 0:
            _emulator(root, _Step(root, log))
    except (packages.PackageError, RuntimeError) as error:
        return str(error)
    return ""
