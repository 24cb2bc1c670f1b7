"""The import rules of docs/architecture.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Left may import right, never the reverse; those of one layer know nothing of each other.
LAYERS = (
    ("app", "pages", "cli"),
    ("ui", "server"),
    ("search",),
    ("inference",),
    ("charts", "training"),
    ("datasets", "models", "evaluation"),
    ("names",),
    ("records", "workspace", "lock", "processes", "words"),
    ("settings",),
    ("errors",),
)
ROOM_OF_MODULE = {"terminal": "cli", "arguments": "cli", "commands": "cli", "__main__": "cli"}
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

STREAMLIT_ROOMS = {"app", "pages", "ui"}
OPTUNA_ROOMS = {"search"}
TORCH_MODULES = {
    "autodet.inference.detector",
    "autodet.inference.onnx_export",
    "autodet.models.coco_detectors",
    "autodet.models.depthwise",
    "autodet.models.detection",
    "autodet.models.efficientnet_lite",
    "autodet.models.faster_rcnn",
    "autodet.models.folding",
    "autodet.models.loading",
    "autodet.models.one_stage",
    "autodet.models.precision",
    "autodet.models.products",
    "autodet.models.pyramid",
    "autodet.models.roi_align",
    "autodet.models.square_input",
    "autodet.models.two_looks",
    "autodet.training.checkpoint",
    "autodet.training.latency",
    "autodet.training.cores",
    "autodet.training.loop",
    "autodet.training.freezing",
    "autodet.training.schedule",
    "autodet.training.traits",
    "autodet.training.square_cache",
    "autodet.training.squares",
    "autodet.training.transforms",
}


def sources() -> list[Path]:
    found = [*ROOT.glob("autodet/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")]
    return sorted(path.relative_to(ROOT) for path in found if path.relative_to(ROOT) != Path("autodet/__init__.py"))


def room_of(path: Path) -> str:
    room = (path.parts[1] if path.parts[0] == "autodet" else path.parts[0]).removesuffix(".py")
    return ROOM_OF_MODULE.get(room, room)


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it; ``from autodet import x`` counts as ``autodet.x``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            package = node.module or ""
            names |= {f"autodet.{alias.name}" for alias in node.names} if package == "autodet" else {package}
    return names


def rooms_imported(path: Path) -> set[str]:
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("autodet.")}
    return {ROOM_OF_MODULE.get(room, room) for room in rooms} - {"__version__"}


def packages_imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports_of(path)}


def ask_python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("path", sources(), ids=str)
def test_imports_lead_to_the_right(path):
    room = room_of(path)
    wrong = {other for other in rooms_imported(path) if other != room and RANK[other] <= RANK[room]}
    assert not wrong, f"{path} is of the room {room} and may not import {', '.join(sorted(wrong))}"


def test_the_command_line_does_without_the_pages():
    assert not any("ui" in rooms_imported(path) for path in sources() if room_of(path) == "cli")


@pytest.mark.parametrize(("package", "rooms"), [("streamlit", STREAMLIT_ROOMS), ("optuna", OPTUNA_ROOMS)])
def test_a_package_stays_in_its_rooms(package, rooms):
    importing = {room_of(path) for path in sources() if package in packages_imported(path)}
    assert importing <= rooms


def test_one_module_imports_ray_which_is_optional():
    importing = [module_of(path) for path in sources() if "ray" in packages_imported(path)]
    assert importing == ["autodet.search.executors.ray"]


def test_nothing_outside_the_pages_loads_streamlit():
    names = [module_of(path) for path in sources() if room_of(path) not in STREAMLIT_ROOMS and path.stem != "__main__"]
    assert "autodet.search.supervisor" in names
    code = (
        f"import importlib, sys; [importlib.import_module(name) for name in {names}]; print('streamlit' in sys.modules)"
    )
    assert ask_python(code) == "False"


def test_only_these_modules_load_torch():
    modules = [module_of(path) for path in sources() if path.parts[0] == "autodet" and path.stem != "__main__"]
    assert set(modules) >= TORCH_MODULES
    code = f"""
import importlib, sys
for name in {[name for name in modules if name not in TORCH_MODULES]}:
    importlib.import_module(name)
    if "torch" in sys.modules:
        print(name)
        break
"""
    assert ask_python(code) == "", "this module loads torch"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["datasets"], ["models"], ["status"], ["stop", "none"], ["import", "no"]]
)
def test_these_commands_load_neither_torch_nor_optuna(arguments, workspace):
    code = f"""
import contextlib, sys
from autodet.cli import main
with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
    main({arguments})
print([name for name in ("torch", "optuna", "streamlit") if name in sys.modules])
"""
    assert ask_python(code) == "[]"
