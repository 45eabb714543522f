"""Where an audit's numbers come from: code, versions, machine, data."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tic.document.audit import Provenance
from tic.session.privacy import discreet_arguments

_PACKAGES = (
    "tic-audit", "torch", "torchvision", "spikingjelly", "torchattacks", "numpy", "scipy",
    "scikit-learn", "pytest", "pytest-xdist", "safetensors",
)  # fmt: skip


def provenance(
    root: Path, arguments: Sequence[str], data_digests: Mapping[str, str], device: str
) -> Provenance:
    """Describe this process.

    Args:
        root: Folder of the claims; its git commit is recorded, which is dirty where a file was
            changed, or where a Python file of this folder is new to git and not ignored.
        arguments: Command line after the program's name; `tic.session.privacy` says what is hidden.
        data_digests: Digest of every data set used.
        device: Device that the Runs were trained on.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    # What lies beside them, such as reports, caches and an ignored environment, is no claim.
    unknown = _git(root, "ls-files", "--others", "--exclude-standard", "--", "*.py")
    return Provenance(
        command=shlex.join(["pytest", *discreet_arguments(arguments)]),
        git_commit=commit or None,
        git_dirty=None if changes is None else bool(changes or unknown),
        versions={name: number for name in _PACKAGES if (number := _version(name))},
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        accelerator=_accelerator(device),
        data_digests=dict(data_digests),
    )


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            errors="replace",  # names of files may be no text in any encoding
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _accelerator(device: str) -> str | None:
    if not device.startswith("cuda") or "torch" not in sys.modules:
        return None
    import torch

    return str(torch.cuda.get_device_name(device))
