"""PEP 517 backend of wsanalyze: takes pip's build calls, gives them to maturin once the machine can build Rust.

maturin does the work. What is added stands before it: when Rust, a C compiler or a new enough Python is missing, the
build stops with one message that says what to install, before anything is compiled.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import maturin

ENGINE = Path(__file__).resolve().parent

Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Name what a wheel needs to be built; pip's first call, so the tools are checked here."""
    check_tools()
    return list(maturin.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Name what an editable install needs to be built."""
    check_tools()
    return list(maturin.get_requires_for_build_editable(config_settings))


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Name what a source distribution needs to be built."""
    check_tools()
    return list(maturin.get_requires_for_build_sdist(config_settings))


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    """Write the wheel's metadata."""
    check_tools()
    return str(maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings))


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Settings = None) -> str:
    """Write the editable wheel's metadata."""
    check_tools()
    return str(maturin.prepare_metadata_for_build_editable(metadata_directory, config_settings))


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Build the wheel."""
    check_tools()
    return str(maturin.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build the editable wheel; the compiled engine is put beside the Python sources."""
    check_tools()
    return str(maturin.build_editable(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build the source distribution."""
    check_tools()
    return str(maturin.build_sdist(sdist_directory, config_settings))


def check_tools() -> None:
    """Stop the build with one message unless Python, Rust and a C compiler are here and new enough."""
    required = required_rust()
    _find_rustup_home()
    problem = _rust_problem(required) or _compiler_problem()
    if problem:
        raise SystemExit(message(problem, required))


def required_rust() -> tuple[int, ...]:
    """Give the oldest Rust that the engine's manifest allows."""
    try:
        import tomllib  # noqa: PLC0415  (absent before Python 3.11, which pip finds out only after this call)
    except ImportError:
        found = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"wsanalyze needs Python 3.11 or newer; this is Python {found}.") from None
    manifest = tomllib.loads((ENGINE / "Cargo.toml").read_text(encoding="utf-8"))
    return tuple(int(part) for part in manifest["workspace"]["package"]["rust-version"].split("."))


def message(problem: str, required: tuple[int, ...]) -> str:
    """Put the problem and what to install into the one text that the user sees."""
    wanted = ".".join(map(str, required))
    return (
        f"\nwsanalyze cannot be built: {problem}.\n\n"
        f"Its engine is written in Rust. Install Rust {wanted} or newer and a C compiler, then run the same command "
        "again:\n"
        "  rustup (any system):  https://rustup.rs\n"
        "  Debian, Ubuntu:       apt-get install cargo gcc libc6-dev\n"
        "  Fedora, RHEL:         dnf install cargo gcc\n"
        "  Alpine:               apk add cargo gcc musl-dev\n"
        "  macOS:                xcode-select --install && brew install rust\n"
        f"Where the distribution's Rust is older than {wanted}, use rustup.\n"
    )


def _find_rustup_home() -> None:
    """Put rustup's folder on the path: a shell opened before rustup ran does not have it there yet."""
    if shutil.which("cargo") is None:
        binaries = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin"
        if shutil.which("cargo", path=str(binaries)):
            os.environ["PATH"] = os.pathsep.join([str(binaries), os.environ.get("PATH", "")])


def _rust_problem(required: tuple[int, ...]) -> str | None:
    # Both are asked: a distribution may hold them in two packages, and rustup's own stand-ins answer with an error
    # when no toolchain was chosen.
    for tool in ("cargo", "rustc"):
        path = shutil.which(tool)
        if path is None:
            return f"`{tool}` was not found"
        answer = subprocess.run([path, "--version"], cwd=ENGINE, capture_output=True, text=True, check=False)
        version = re.match(rf"{tool} (\d+)\.(\d+)(?:\.(\d+))?", answer.stdout)
        if answer.returncode != 0 or version is None:
            said = (answer.stderr or answer.stdout).strip().splitlines()
            return f"`{tool} --version` failed" + (f" ({said[0]})" if said else "")
        found = tuple(int(part or 0) for part in version.groups())
        if found < required:
            return f"`{tool}` is version {'.'.join(map(str, found))}, which is too old"
    return None


def _compiler_problem() -> str | None:
    # Windows finds its compiler through Visual Studio, not through the path.
    if os.name == "nt" or os.environ.get("CC"):
        return None
    if any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang")):
        return None
    return "no C compiler (`cc`) was found"
