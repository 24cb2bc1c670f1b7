"""The part of Optuna that is not public and that ``write_behind`` uses is the one that it was written for.

After an update of Optuna, read what these tests report, adapt ``autodet/search/study/write_behind.py``, and run
``tests/search/study`` and ``tests/search/scenarios`` with a PostgreSQL. Then update the expectations here.
"""

import inspect
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, UniqueConstraint

CHECKED = SpecifierSet(">=5.0,<5.1")  # versions of Optuna for which write_behind has been checked

NAMES = {
    "optuna.distributions": ("BaseDistribution", "distribution_to_json", "json_to_distribution"),
    "optuna.exceptions": ("StorageInternalError",),
    "optuna.storages": ("BaseStorage", "InMemoryStorage", "RDBStorage"),
    "optuna.storages._rdb.models": (
        "BaseModel.metadata",
        "StudyModel.study_id",
        "StudyModel.study_name",
        "TrialModel.study_id",
        "TrialModel.trial_id",
        "TrialParamModel",
        "TrialUserAttributeModel",
        "TrialSystemAttributeModel",
        "TrialIntermediateValueModel.intermediate_value_to_stored_repr",
    ),
}

# Every method of a storage that writes. A new one would write to memory only, and never reach the database.
WRITES = {
    "create_new_study": ("directions", "study_name"),
    "create_new_trial": ("study_id", "template_trial"),
    "delete_study": ("study_id",),
    "set_study_system_attr": ("study_id", "key", "value"),
    "set_study_user_attr": ("study_id", "key", "value"),
    "set_trial_intermediate_value": ("trial_id", "step", "intermediate_value"),
    "set_trial_param": ("trial_id", "param_name", "param_value_internal", "distribution"),
    "set_trial_state_values": ("trial_id", "state", "values"),
    "set_trial_system_attr": ("trial_id", "key", "value"),
    "set_trial_user_attr": ("trial_id", "key", "value"),
}
# These read, or are never called in a search.
OTHERS = ("get_", "check_trial_is_updatable", "remove_session", "record_heartbeat", "upgrade")

ATTRIBUTE = {"trial_id": "INTEGER", "key": "VARCHAR(512)", "value_json": "TEXT"}
# The tables that write_behind fills itself: their columns beside the primary key, and those that are unique together.
TABLES: dict[str, tuple[dict[str, str], set[str]]] = {
    "trial_params": (
        {"trial_id": "INTEGER", "param_name": "VARCHAR(512)", "param_value": "FLOAT", "distribution_json": "TEXT"},
        {"trial_id", "param_name"},
    ),
    "trial_intermediate_values": (
        {
            "trial_id": "INTEGER",
            "step": "INTEGER",
            "intermediate_value": "FLOAT",
            "intermediate_value_type": "Enum(FINITE, INF_POS, INF_NEG, NAN)",
        },
        {"trial_id", "step"},
    ),
    "trial_user_attributes": (ATTRIBUTE, {"trial_id", "key"}),
    "trial_system_attributes": (ATTRIBUTE, {"trial_id", "key"}),
}
OWNERS = {"study_id": "studies.study_id", "trial_id": "trials.trial_id"}  # delete_study finds rows by these columns


def missing_names(names):
    """Say which of the imported names Optuna lacks."""
    return [
        f"Optuna has no {module}.{name} any more; write_behind.py uses it."
        for module, wanted in names.items()
        for name in wanted
        if not _has(module, name)
    ]


def _has(module, name):
    try:
        thing = import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError):
        return False
    return True


def changed_writes(storage):
    """Say which writing methods of a storage are new, gone or take other parameters."""
    found = {
        name: tuple(inspect.signature(method).parameters)[1:]
        for name, method in inspect.getmembers(storage, callable)
        if not name.startswith(("_", *OTHERS))
    }
    return [
        f"{storage.__name__}.{name} takes {found.get(name, 'nothing: it is gone')}, "
        f"and write_behind.py knows {WRITES.get(name, 'no such method: what it writes would not be stored')}."
        for name in sorted(found.keys() | WRITES)
        if found.get(name) != WRITES.get(name)
    ]


def changed_tables(metadata):
    """Say which tables differ from those that write_behind fills, and which rows its ``delete_study`` would leave."""
    told = []
    for name, (columns, key) in TABLES.items():
        if name not in metadata.tables:
            told.append(f"Optuna has no table {name} any more; write_behind.py writes to it.")
            continue
        table = metadata.tables[name]
        found = {column.name: _type(column) for column in table.c if not column.primary_key}
        told += [
            f"The column {name}.{column} is {found.get(column, 'gone')}, "
            f"and write_behind.py writes {columns.get(column, 'nothing to it')}."
            for column in sorted(found.keys() | columns)
            if found.get(column) != columns.get(column)
        ]
        if key not in [{column.name for column in rule.columns} for rule in _unique(table)]:
            told.append(f"In the table {name}, {sorted(key)} are not unique any more; write_behind.py updates by them.")
    for table in metadata.sorted_tables:
        told += [
            f"The column {table.name}.{foreign.parent.name} refers to {foreign.target_fullname}; write_behind.py's "
            f"delete_study deletes by {' and '.join(OWNERS)} only, and would leave its rows."
            for foreign in table.foreign_keys
            if OWNERS.get(foreign.parent.name) != foreign.target_fullname
        ]
    return told


def _type(column):
    names = getattr(column.type, "enums", None)
    return f"Enum({', '.join(names)})" if names else str(column.type)


def _unique(table):
    return [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]


def assert_unchanged(told):
    assert not told, "\n".join([f"Optuna {version('optuna')} has another private interface:", *told])


def test_optuna_is_of_a_version_for_which_the_write_behind_storage_has_been_checked():
    remedy = "write_behind.py writes Optuna's private tables: follow this module's docstring, then widen CHECKED."
    installed = version("optuna")
    assert installed in CHECKED, f"Optuna {installed} is installed, and {CHECKED} has been checked. {remedy}"
    lines = (Path(__file__).parents[3] / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (wanted,) = [Requirement(line).specifier for line in lines if line.startswith("optuna")]
    bounded = any(bound.operator in ("==", "<", "~=") for bound in wanted)
    assert bounded, f"requirements.txt lets pip install any later Optuna ({wanted}). {remedy}"


def test_optuna_has_every_name_that_the_write_behind_storage_uses():
    assert_unchanged(missing_names(NAMES))
    from optuna.storages import RDBStorage

    database = RDBStorage("sqlite://")
    gone = [name for name in ("engine", "scoped_session") if not hasattr(database, name)]
    assert gone == [], f"RDBStorage has no {gone} any more; write_behind.py makes one transaction with it."


def test_every_write_of_optuna_reaches_the_journal():
    from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage

    from autodet.search.study.write_behind import MirroredStorage

    for storage in (BaseStorage, InMemoryStorage, RDBStorage):
        assert_unchanged(changed_writes(storage))
    inherited = {name for name in WRITES if name not in vars(MirroredStorage)}
    assert inherited == {"create_new_study", "delete_study"}, "MirroredStorage does not note these writes"


def test_the_tables_are_those_that_the_write_behind_storage_fills():
    from optuna.storages._rdb.models import BaseModel

    assert_unchanged(changed_tables(BaseModel.metadata))


# The tests above notice changes: the same checks on altered copies.


@pytest.fixture
def tables():
    """A copy of Optuna's tables that a test may alter."""
    from optuna.storages._rdb.models import BaseModel

    copies = MetaData()
    for table in BaseModel.metadata.sorted_tables:
        table.to_metadata(copies)
    return copies


def test_a_changed_column_is_told(tables):
    params = tables.tables["trial_params"]
    params.append_column(Column("distribution_json", Integer), replace_existing=True)
    params.append_column(Column("changed_at", Text))
    assert {
        "The column trial_params.changed_at is TEXT, and write_behind.py writes nothing to it.",
        "The column trial_params.distribution_json is INTEGER, and write_behind.py writes TEXT.",
    } <= set(changed_tables(tables))


def test_a_renamed_column_is_told(tables):
    tables.remove(tables.tables["trial_user_attributes"])
    renamed = [Column("id", Integer, primary_key=True), Column("key", Text), Column("value", Text)]
    Table("trial_user_attributes", tables, *renamed, Column("trial_id", ForeignKey("trials.trial_id"), type_=Integer))
    assert {
        "The column trial_user_attributes.value_json is gone, and write_behind.py writes TEXT.",
        "The column trial_user_attributes.value is TEXT, and write_behind.py writes nothing to it.",
        "In the table trial_user_attributes, ['key', 'trial_id'] are not unique any more; write_behind.py updates by "
        "them.",
    } <= set(changed_tables(tables))


def test_a_table_that_is_gone_or_new_is_told(tables):
    tables.remove(tables.tables["trial_system_attributes"])
    new = [Column("id", Integer, primary_key=True), Column("owner", Integer, ForeignKey("trials.trial_id"))]
    Table("trial_artifacts", tables, *new)
    assert {
        "Optuna has no table trial_system_attributes any more; write_behind.py writes to it.",
        "The column trial_artifacts.owner refers to trials.trial_id; write_behind.py's delete_study deletes by "
        "study_id and trial_id only, and would leave its rows.",
    } <= set(changed_tables(tables))


def test_a_new_write_or_parameter_and_a_missing_name_are_told():
    from optuna.storages import InMemoryStorage

    class Later(InMemoryStorage):
        def set_trial_constraint(self, trial_id, value):
            """A write that write_behind has never heard of."""

        def set_trial_param(self, trial_id, name, value):
            """A write that takes something else."""

    new, other = changed_writes(Later)
    assert new.startswith("Later.set_trial_constraint takes ('trial_id', 'value'), and write_behind.py knows no such")
    assert other.startswith("Later.set_trial_param takes ('trial_id', 'name', 'value'), and write_behind.py knows ('tr")
    assert missing_names({"optuna.storages._rdb.models": ("TrialMoodModel",)}) == [
        "Optuna has no optuna.storages._rdb.models.TrialMoodModel any more; write_behind.py uses it."
    ]
