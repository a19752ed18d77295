"""The build says in one message what has to be installed, and leaves the rest to maturin."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Install = Callable[..., None]


class Maturin(ModuleType):
    """Stands in for maturin, which is there only while something is built; writes down what it was asked."""

    def __init__(self) -> None:
        super().__init__("maturin")
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattr__(self, hook: str) -> Callable[..., object]:
        if hook.startswith("__"):
            raise AttributeError(hook)

        def called(*arguments: object) -> object:
            self.calls.append((hook, arguments))
            return ["puccinialin"] if hook.startswith("get_requires") else "wsanalyze-1.whl"

        return called


@pytest.fixture
def maturin(monkeypatch: pytest.MonkeyPatch) -> Maturin:
    stand_in = Maturin()
    monkeypatch.setitem(sys.modules, "maturin", stand_in)
    return stand_in


@pytest.fixture
def backend(root: Path, maturin: Maturin) -> ModuleType:
    assert sys.modules["maturin"] is maturin
    spec = importlib.util.spec_from_file_location("build_backend", root / "engine" / "build_backend.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A machine with nothing on its path, and the means to put tools there."""
    shell = shutil.which("sh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.delenv("CC", raising=False)

    def put(*tools: str, says: str = "1.99.0 (abc 2030-01-01)", status: int = 0, folder: str = "bin") -> None:
        for tool in tools:
            path = tmp_path / folder / tool
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!{shell}\necho '{tool} {says}'\nexit {status}\n", encoding="utf-8")
            path.chmod(0o755)

    return put


def refusal(backend: ModuleType) -> str:
    with pytest.raises(SystemExit) as stopped:
        backend.get_requires_for_build_wheel()
    return str(stopped.value)


def test_without_cargo_the_message_says_what_to_install(backend: ModuleType, install: Install) -> None:
    install("cc")
    text = refusal(backend)
    assert "wsanalyze cannot be built: `cargo` was not found." in text
    assert "https://rustup.rs" in text
    assert "apt-get install cargo" in text
    assert f"Install Rust {'.'.join(map(str, backend.required_rust()))} or newer" in text


def test_rust_that_is_too_old(backend: ModuleType, install: Install) -> None:
    install("cc")
    install("cargo", "rustc", says="1.63.0")
    assert "`cargo` is version 1.63.0, which is too old." in refusal(backend)


def test_rustup_without_a_toolchain(backend: ModuleType, install: Install) -> None:
    install("cc")
    install("cargo", says="no default toolchain", status=1)
    assert "`cargo --version` failed (cargo no default toolchain)." in refusal(backend)


def test_cargo_without_rustc(backend: ModuleType, install: Install) -> None:
    install("cc", "cargo")
    assert "`rustc` was not found." in refusal(backend)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows finds its compiler without the path")
def test_without_a_c_compiler(backend: ModuleType, install: Install) -> None:
    install("cargo", "rustc")
    assert "no C compiler (`cc`) was found." in refusal(backend)


def test_rustup_is_found_before_the_shell_knows_it(backend: ModuleType, install: Install, maturin: Maturin) -> None:
    install("cc")
    install("cargo", "rustc", folder="home/.cargo/bin")
    assert backend.get_requires_for_build_editable() == ["puccinialin"]
    assert maturin.calls == [("get_requires_for_build_editable", (None,))]


@pytest.mark.parametrize(
    ("hook", "arguments"),
    [
        ("get_requires_for_build_sdist", (None,)),
        ("prepare_metadata_for_build_wheel", ("metadata", None)),
        ("prepare_metadata_for_build_editable", ("metadata", None)),
        ("build_wheel", ("wheels", {"key": "value"}, "metadata")),
        ("build_editable", ("wheels", None, None)),
        ("build_sdist", ("sdists", None)),
    ],
)
def test_every_hook_is_maturins(
    backend: ModuleType, install: Install, maturin: Maturin, hook: str, arguments: tuple[object, ...]
) -> None:
    install("cc", "cargo", "rustc")
    assert getattr(backend, hook)(*arguments)
    assert maturin.calls == [(hook, arguments)]
