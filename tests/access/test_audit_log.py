import json
import threading

from autodet.access import audit_log
from autodet.access.audit_log import read_entries, write_entry
from autodet.access.visitor import Visitor

EVA = Visitor("eva@example.org", "editor", "192.0.2.8")


def test_an_entry_is_one_line_of_json_whatever_the_names(workspace):
    write_entry(workspace, EVA, "delete model", 'a\n{"visitor": "other"}\u2028' + "x" * 1000, "done")
    (line,) = (workspace.audit / "changes.jsonl").read_text().splitlines()
    assert json.loads(line)["visitor"] == EVA.name
    (entry,) = read_entries(workspace)
    assert len(entry.thing) == audit_log.MAX_LETTERS


def test_the_log_rotates_and_the_oldest_lines_go(workspace, monkeypatch):
    monkeypatch.setattr(audit_log, "MAX_BYTES", 400)
    for number in range(40):
        write_entry(workspace, EVA, "delete model", str(number), "done")
    kept = [int(entry.thing) for entry in read_entries(workspace)]
    assert kept == list(range(kept[0], 40))
    assert kept[0] > 0
    assert len(list(workspace.audit.glob("*.jsonl"))) == 1 + audit_log.MAX_OLDER


def test_threads_lose_no_line(workspace):
    def write(number):
        for each in range(20):
            write_entry(workspace, EVA, "delete model", f"{number} {each}", "done")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read_entries(workspace))) == 80


def test_damaged_lines_are_left_out(workspace):
    write_entry(workspace, EVA, "delete model", "m", "done")
    with (workspace.audit / "changes.jsonl").open("a") as file:
        file.write('{"time": \n[]\n{"later": 1}\n')
    assert [entry.thing for entry in read_entries(workspace)] == ["m"]


def test_a_log_that_cannot_be_written_stops_nobody(workspace, caplog):
    (workspace.audit / "changes.jsonl").mkdir()
    write_entry(workspace, EVA, "delete model", "m", "done")
    assert "cannot be written" in caplog.text


def test_a_demo_writes_visitors_into_the_log_of_the_server_alone(workspace, monkeypatch, caplog):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    caplog.set_level("INFO", "autodet.access")
    write_entry(workspace, EVA, "delete model", "m", "refused")
    assert list(read_entries(workspace)) == []
    assert '"refused"' in caplog.text
