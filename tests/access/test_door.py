"""Every function that the pages call and that changes a workspace passes the door of ``autodet.access.change``."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {"datasets", "evaluation", "inference", "models", "registry", "reports", "search"}
OBJECTS = {"Search", "Import"}  # classes whose methods the pages call
GUARDS = {"change", "may_change", "_change"}
CHANGES = {
    *("write_atomically", "open_atomically", "write_json", "hidden_folder", "delete_folder", "publish_folder"),
    *("touch", "unlink", "rmdir", "rmtree", "rename", "write_text", "write_bytes", "copyfileobj", "start_process"),
    *("start_job", "end_jobs", "put_file"),
}
# Functions that write, but nothing into the workspace that outlives the visit.
HARMLESS = {
    "autodet.datasets.export.write_export": "the pages name a temporary file",
    "autodet.datasets.imports.temporary.temporary_dataset": "photos that are only evaluated, deleted afterwards",
    "autodet.inference.labels_beside.read_labels": "label files of a visitor, deleted after reading",
    "autodet.inference.onnx_export.export_onnx": "the pages name a temporary file",
    "autodet.models.download._fetch_patiently": "pretrained weights, in torch's cache",
    "autodet.search.study.database._workspace_id": "the trash, which the server empties at its start",
    "autodet.search.launch.stand_by": "a process that does nothing without a search",
}

Function = tuple[str, str]  # module, and name with its class


@cache
def tree_of(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> dict[str, Function]:
    """The names that a module has from others of this package, wherever it imports them."""
    found = [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in found if (node.module or "").startswith("autodet.")]
    return {alias.asname or alias.name: (node.module, alias.name) for node in ours for alias in node.names}


@cache
def functions_of(module: str) -> dict[str, ast.AST]:
    """The functions and methods of a module, by name; those of a class as ``Class.method``."""
    found = {}
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found |= {f"{node.name}.{part.name}": part for part in methods}
    return found


def names_in(node: ast.AST) -> set[str]:
    plain = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return plain | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def calls_in(node: ast.AST) -> set[str]:
    called = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called}


def uses_of(function: Function) -> set[Function]:
    """The functions of this package that a function names."""
    module, name = function
    names, own = names_in(functions_of(module)[name]), functions_of(module)
    siblings = {f"{name.partition('.')[0]}.{one}" for one in names} if "." in name else set()
    used = {(module, one) for one in (names | siblings) & set(own)}
    known = [imports_of(module)[one] for one in names & set(imports_of(module))]
    return used | {(there, one) for there, one in known if one in functions_of(there)}


def unguarded_change(function: Function, seen: set[Function]) -> list[Function] | None:
    """The way from a function to one that changes something without passing the door; None if there is none."""
    module, name = function
    if function in seen or module in ("autodet.workspace", "autodet.processes", "autodet.lock"):
        return None
    seen.add(function)
    names = names_in(functions_of(module)[name])
    if names & GUARDS:
        return None
    if calls_in(functions_of(module)[name]) & CHANGES:
        return [function]
    for used in sorted(uses_of(function)):
        if way := unguarded_change(used, seen):
            return [function, *way]
    return None


def called_by_pages() -> set[Function]:
    """The functions of other rooms that pages and their components import, and the methods of what they get."""
    paths = [*(ROOT / "autodet/ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if path.name != "__init__.py"]
    imported = {found for module in modules for found in imports_of(module).values()}
    functions = {(module, name) for module, name in imported if module.split(".")[1] in {*ROOMS, "workspace"}}
    methods = {
        (module, name)
        for module in ("autodet.search.api", "autodet.datasets.imports.import_job")
        for name in functions_of(module)
        if name.partition(".")[0] in OBJECTS and not name.partition(".")[2].startswith("_")
    }
    return {(module, name) for module, name in functions | methods if name in functions_of(module)}


def test_every_change_that_a_page_can_make_passes_the_door():
    ways = [way for called in called_by_pages() if (way := unguarded_change(called, set()))]
    changing = {".".join(way[-1]): " > ".join(name for _, name in way) for way in ways}
    assert {name: way for name, way in changing.items() if name not in HARMLESS} == {}
    assert set(changing) == set(HARMLESS)


def test_the_pages_call_what_changes_a_workspace():
    called = {".".join(one): names_in(functions_of(one[0])[one[1]]) for one in called_by_pages()}
    guarded = {function for function, names in called.items() if names & GUARDS}
    assert guarded >= {
        *("autodet.datasets.imports.import_job.start_import", "autodet.datasets.imports.import_job.Import.proceed"),
        *("autodet.inference.evaluation_jobs.start_evaluation", "autodet.models.store.rename_model"),
        *("autodet.search.api.Search.stop", "autodet.search.api.Search.delete"),
    }
