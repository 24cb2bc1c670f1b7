"""Background jobs in processes of their own. The functions here are the work; the processes import them."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from autodet.access.visitor import Visitor, acting_as, current_visitor
from autodet.errors import AmbiguousFormatError, AutodetError
from autodet.inference.background_jobs import Job, JobCancelledError
from autodet.inference.job_process import run_apart
from autodet.models.store import add_model
from autodet.processes import module_environment

pytestmark = pytest.mark.process
ANNA = Visitor("anna", "viewer")


def describe(given, report):
    report("looks", 1, 2)
    return given, current_visitor(), os.getpid(), "AUTODET_PASSWORD" in os.environ


def fail(error, _report):
    raise error


def fail_with_formats(_report):
    raise AmbiguousFormatError("Labels in two formats; choose one.", {"coco": 1, "voc": 1})


def wait(report):
    report("waits", os.getpid(), os.getpid())
    threading.Event().wait()


def wait_as_job(_report):
    """Work whose process is killed with its parent."""
    run_apart(PrintingJob(), wait)


class PrintingJob(Job):
    def report_step(self, step, done, total):
        if step and not self.done:
            print(done, flush=True)
        super().report_step(step, done, total)


def is_alive(pid):
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(holds, seconds=60.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


@pytest.fixture
def waiting():
    """A job whose work waits for ever, and what its thread raised in the end."""
    job, raised = Job(), []

    def watch():
        with suppress(Exception):
            try:
                run_apart(job, wait)
            except Exception as error:
                raised.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    wait_until(lambda: job.done)
    yield job, raised
    job.cancelled = True
    thread.join(60)


def test_the_work_acts_for_its_visitor_in_another_process_without_secrets(monkeypatch):
    monkeypatch.setenv("AUTODET_PASSWORD", "secret")
    job = Job()
    with acting_as(ANNA):
        given, visitor, pid, knows_password = run_apart(job, describe, {"a": 1})
    assert (given, visitor, knows_password) == ({"a": 1}, ANNA, False)
    assert (job.step, job.done, job.total) == ("looks", 1, 2)
    assert pid != os.getpid() and not is_alive(pid)


def test_an_error_for_the_user_is_its_sentence_and_another_one_is_unexpected():
    with pytest.raises(AutodetError, match="No such photo"):
        run_apart(Job(), fail, AutodetError("No such photo; choose another one."))
    with pytest.raises(AutodetError, match="two formats"):
        run_apart(Job(), fail_with_formats)
    with pytest.raises(RuntimeError):
        run_apart(Job(), fail, ZeroDivisionError("secret"))


def test_a_cancelled_job_ends_its_process(waiting):
    job, raised = waiting
    job.cancelled = True
    wait_until(lambda: raised)
    assert isinstance(raised[0], JobCancelledError)
    wait_until(lambda: not is_alive(job.done))


def test_a_killed_process_is_a_sentence(waiting):
    job, raised = waiting
    os.kill(job.done, signal.SIGKILL)
    wait_until(lambda: raised)
    assert "probably for lack of memory" in str(raised[0])


def test_the_process_ends_with_a_server_that_is_killed():
    code = "from tests.inference.test_job_process import wait_as_job; wait_as_job(None)"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=module_environment())
    child = int(server.stdout.readline())
    assert is_alive(child)
    server.kill()
    server.communicate()
    wait_until(lambda: not is_alive(child))


PAGES = """
import sys, time
from pathlib import Path
from streamlit import config
from streamlit.testing.v1 import AppTest
from autodet.inference import background_jobs

config.set_option("server.address", "127.0.0.1")

def press(page, label):
    app = AppTest.from_file("app.py", default_timeout=60).run().switch_page(f"pages/{page}.py").run()
    assert not app.exception and not app.error, (app.exception, app.error)
    [button] = [button for button in app.button if button.label.startswith(label)]
    button.click().run()
    while background_jobs._jobs:
        assert not any(job.error for job in background_jobs._jobs.values()), background_jobs._jobs
        time.sleep(0.05)

press("compare", "Evaluate ")
press("models", "Make the ONNX graph")
press("models", "Make an 8-bit file")
maps = Path("/proc/self/maps").read_text()
print([name for name in ("torch", "onnxruntime") if name in sys.modules or f"lib{name}" in maps])
"""


@pytest.mark.slow
def test_the_server_needs_neither_torch_nor_onnx_runtime_for_the_jobs_of_the_pages(
    workspace, trained_bundle, sample_dataset
):
    """An evaluation, a measured latency, the ONNX graph and an 8-bit file, started on the pages."""
    home = workspace.home
    (workspace.datasets / sample_dataset.id).symlink_to(sample_dataset.folder)
    model = add_model(trained_bundle, "sample", workspace)
    environment = module_environment(AUTODET_HOME=str(home))
    done = subprocess.run([sys.executable, "-c", PAGES], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
    assert {path.name for path in model.path.parent.iterdir()} >= {"evaluations", "int8.onnx", "latency.json"}
