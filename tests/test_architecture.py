"""The import rules of docs/architecture.md."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Left may import right, never the reverse; those of one layer know nothing of each other.
LAYERS = (
    ("app", "pages", "cli"),
    ("ui",),
    ("server",),
    ("registry",),
    ("search",),
    ("reports",),
    ("inference",),
    ("charts", "training"),
    ("datasets", "models", "evaluation"),
    ("messages",),
    ("trash",),
    ("names",),
    ("access",),
    ("records", "workspace", "lock", "processes", "text_format"),
    ("settings",),
    ("errors", "version"),
)
# The same within rooms that have rooms of their own; modules that stand alone there count as rooms.
INNER_LAYERS = {
    "datasets": (
        ("additions",),
        ("drafts",),
        ("imports", "versions", "export", "statistics", "photo_conditions"),
        ("checks", "manifest"),
        ("splits", "label_layouts", "photo_files"),
        ("formats",),
        ("photos",),
        ("sources", "photo_sources", "perceptual_hash", "record_columns"),
        ("photo_formats", "pixel_depth", "jpeg_end", "tiff_layout"),
    ),
    "search": (
        ("leaderboard",),
        ("report",),
        ("follow_ups", "improvement"),
        ("__main__", "start", "trial_jobs"),
        ("next_search",),
        ("planning", "delete_assets"),
        ("api",),
        ("delete", "trial_models"),
        ("run",),
        ("study", "executors", "launch"),
        ("status",),
        ("order",),
    ),
    "ui": (
        (
            *("home", "datasets", "label", "search", "results", "evaluate", "compare", "predict", "models"),
            *("use", "settings"),
        ),
        ("common",),
    ),
}
COMMANDS = (
    "api_commands",
    "commands",
    "dataset_commands",
    "evaluation_commands",
    "follow_up_commands",
    "label_commands",
    "model_commands",
    "prediction_commands",
    "registry_commands",
    "evaluation_text",
    "follow_up_outcome",
    "leaderboard_text",
)
ROOM_OF_MODULE = dict.fromkeys((*COMMANDS, "terminal", "arguments", "__main__"), "cli")
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

NOUNS_IN_ING = {"malloc_tuning", "planning", "staging", "training"}  # other modules in -ing are gerunds
STREAMLIT_ROOMS = {"app", "pages", "ui"}
OPTUNA_ROOMS = {"search"}
TORCH_MODULES = {
    "autodet.inference.onnx_trace",
    "autodet.inference.torch_runtime",
    "autodet.models.calibrated_scores",
    "autodet.models.coco_detectors",
    "autodet.models.cpu_kernels.depthwise",
    "autodet.models.dense_cells",
    "autodet.models.detection",
    "autodet.models.efficientnet_lite",
    "autodet.models.faster_rcnn",
    "autodet.models.cpu_kernels.folded_batchnorm",
    "autodet.models.bundle_network",
    "autodet.models.nanodet",
    "autodet.models.one_stage",
    "autodet.models.cpu_kernels.precision",
    "autodet.models.cpu_kernels.onednn_linear",
    "autodet.models.pyramid",
    "autodet.models.cpu_kernels.roi_align",
    "autodet.models.normalize",
    "autodet.models.cascade_roi_head",
    "autodet.training.average",
    "autodet.training.checkpoint",
    "autodet.training.latency",
    "autodet.training.cpu_data_parallel",
    "autodet.training.loop",
    "autodet.training.frozen_layers",
    "autodet.training.recent_loss",
    "autodet.training.schedule",
    "autodet.training.device_profile",
    "autodet.training.image_cache",
    "autodet.training.letterbox_dataset",
    "autodet.training.transforms",
    "autodet.training.validation",
}

# Two words, or one that ends a sentence.
ENGLISH = re.compile(r"[A-Za-z']{2,},? [a-z]{2,}|^[A-Z][a-z]+\.$| [a-z]+\.$")
TEXT_METHODS = {
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "replace",
    "partition",
    "split",
    "find",
    "index",
}
VALUES = {"Finding", "VersionChange", "ImportStep", "Cause", "LabelError", "FileError", "PhotoFileError"}
FOREIGN_TEXTS = {"database or disk is full"}  # sentences of other programs: SQLite gives no error number


def sources() -> list[Path]:
    found = [*ROOT.glob("autodet/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")]
    return sorted(path.relative_to(ROOT) for path in found if path.relative_to(ROOT) != Path("autodet/__init__.py"))


def room_of(path: Path) -> str:
    room = (path.parts[1] if path.parts[0] == "autodet" else path.parts[0]).removesuffix(".py")
    return ROOM_OF_MODULE.get(room, room)


def part_of(path: Path) -> str:
    return path.parts[2].removesuffix(".py")


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; ``from autodet import x`` counts as ``autodet.x``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            package = node.module or ""
            names |= {f"autodet.{alias.name}" for alias in node.names} if package == "autodet" else {package}
    return frozenset(names)


def rooms_imported(path: Path) -> set[str]:
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("autodet.")}
    return {ROOM_OF_MODULE.get(room, room) for room in rooms}


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


def test_modules_are_named_by_nouns():
    parts = {part.removesuffix(".py") for path in sources() for part in path.parts}
    assert {part for part in parts if part.endswith("ing")} == NOUNS_IN_ING


@pytest.mark.parametrize("room", sorted(INNER_LAYERS))
def test_imports_within_a_room_lead_to_the_right(room):
    rank = {part: number for number, parts in enumerate(INNER_LAYERS[room]) for part in parts}
    inside = [path for path in sources() if path.parts[:2] == ("autodet", room) and path.name != "__init__.py"]
    assert {part_of(path) for path in inside} == set(rank)
    for path in inside:
        imported = {name.split(".")[2] for name in imports_of(path) if name.startswith(f"autodet.{room}.")}
        wrong = {other for other in imported if other != part_of(path) and rank[other] <= rank[part_of(path)]}
        assert not wrong, f"{path} may not import {', '.join(sorted(wrong))}"


def test_the_command_line_does_without_the_pages():
    assert not any("ui" in rooms_imported(path) for path in sources() if room_of(path) == "cli")


@pytest.mark.parametrize(("package", "rooms"), [("streamlit", STREAMLIT_ROOMS), ("optuna", OPTUNA_ROOMS)])
@pytest.mark.slow
def test_a_package_stays_in_its_rooms(package, rooms):
    importing = {room_of(path) for path in sources() if package in packages_imported(path)}
    assert importing <= rooms


@pytest.mark.slow
def test_one_module_imports_ray_which_is_optional():
    importing = [module_of(path) for path in sources() if "ray" in packages_imported(path)]
    assert importing == ["autodet.search.executors.ray"]


def test_nothing_outside_the_pages_loads_streamlit():
    names = [module_of(path) for path in sources() if room_of(path) not in STREAMLIT_ROOMS and path.stem != "__main__"]
    assert "autodet.search.run.supervisor" in names
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


def compared_texts(path: Path) -> list[str]:
    """Every literal that a module compares with a text, searches in one or cuts from one."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            found += [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
            found += node.args
    literals = [literal for one in found for literal in ast.walk(one) if isinstance(literal, ast.Constant)]
    return [literal.value for literal in literals if isinstance(literal.value, str)]


@pytest.mark.parametrize("path", sources(), ids=str)
def test_no_code_compares_or_edits_sentences(path):
    assert [text for text in compared_texts(path) if ENGLISH.search(text) and text not in FOREIGN_TEXTS] == []


@pytest.mark.parametrize("path", sources(), ids=str)
def test_findings_are_worded_in_one_room(path):
    """A finding, a change or a step holds values: no argument is a sentence."""
    calls = [
        node for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    values = [
        one for call in calls if isinstance(call.func, ast.Name) and call.func.id in VALUES for one in ast.walk(call)
    ]
    literals = [one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    assert [text for text in literals if ENGLISH.search(text)] == []
