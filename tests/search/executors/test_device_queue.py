"""Several searches and few devices: whose turn it is, and what becomes of the dead."""

import multiprocessing
import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from autodet.messages.search import notice_text
from autodet.search.executors.device_queue import SlotQueue, queue_for
from autodet.search.executors.local import _Inherited
from autodet.search.status.epoch_lines import EpochLines
from autodet.settings import Settings
from autodet.terminal import say
from autodet.training.device import number_slots

CPU, CPU_2 = number_slots(["cpu", "cpu"])


@pytest.fixture
def enter(tmp_path):
    return lambda search, slots=(CPU,), most=None: SlotQueue(tmp_path, search, slots, most)


def test_a_slot_is_one_searchs_at_a_time_and_the_other_is_told_whose(enter):
    one, other = enter("one"), enter("other")
    held = one.take()
    assert held.slot == CPU
    assert other.take() is None
    assert notice_text(other.obstacle) == "It waits for a free device: the search one is using cpu."
    one.give_back(held)
    assert other.take().slot == CPU
    assert other.obstacle is None


def test_a_search_takes_no_more_slots_than_it_may(enter):
    one = enter("one", (CPU, CPU_2), most=1)
    assert one.take()
    assert one.take() is None
    both = enter("both", (CPU, CPU_2))
    assert both.take().slot == CPU_2
    assert both.take() is None
    assert "the search one is using cpu" in notice_text(both.obstacle)


def test_two_searches_take_turns(enter):
    searches = {name: enter(name) for name in ("greedy", "patient")}
    turns = []
    for _ in range(3):
        for name, waits in (("greedy", "patient"), ("patient", "greedy")):
            held = searches[name].take()
            assert searches[waits].take() is None
            turns.append(name)
            searches[name].give_back(held)
            assert searches[name].take() is None  # it has had its turn, and asks first, in vain
            assert f"the search {waits} is next" in notice_text(searches[name].obstacle)
    assert turns == ["greedy", "patient"] * 3


def test_who_has_fewest_trials_running_comes_first_then_who_waits_longest(enter):
    slots = (CPU, CPU_2)
    rich, early, late = enter("rich", slots), enter("early", slots), enter("a-late-one", slots)
    first, second = rich.take(), rich.take()
    assert early.take() is None
    assert late.take() is None
    rich.give_back(first)
    assert rich.take() is None  # it has one already
    assert late.take() is None  # though its name comes first
    assert early.take()
    rich.give_back(second)
    assert rich.take() is None
    assert late.take()


def test_who_waits_for_another_device_is_not_in_the_way(enter):
    choosy, easy = enter("choosy", (CPU,)), enter("easy", (CPU, CPU_2))
    holder = enter("holder", (CPU,))
    held = holder.take()
    assert choosy.take() is None
    assert easy.take().slot == CPU_2
    assert easy.take() is None
    holder.give_back(held)
    assert easy.take() is None
    assert choosy.take().slot == CPU


def test_who_leaves_or_does_not_ask_any_more_is_not_waited_for(enter, monkeypatch):
    holder, gone, frozen, last = enter("holder"), enter("gone"), enter("frozen"), enter("last")
    held = holder.take()
    assert [one.take() for one in (gone, frozen, last)] == [None] * 3
    holder.give_back(held)
    assert last.take() is None
    gone.leave()
    assert last.take() is None
    monkeypatch.setattr("autodet.search.executors.device_queue.SKIP_SECONDS", 0.0)
    assert last.take()


def test_what_the_queue_says_stays_short(enter):
    holders = [enter(f"s{number}", number_slots(["cpu"] * 9)) for number in range(5)]
    assert all(holder.take() for holder in holders)
    late = enter("late", number_slots(["cpu"] * 5))
    assert late.take() is None
    assert "the searches s0, s1 and 3 more are using cpu, cpu #2" in notice_text(late.obstacle)


@pytest.mark.parametrize("death", ["", "; os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_holds_nothing_and_waits_for_nothing(enter, tmp_path, death):
    """A waiting one is left behind in the queue, a holding one on the slot."""
    code = (
        "import os; from pathlib import Path; from autodet.search.executors.device_queue import SlotQueue\n"
        "from autodet.training.device import number_slots\n"
        f"cpus = number_slots(['cpu', 'cpu']); home = Path({str(tmp_path)!r})\n"
        "holder = SlotQueue(home, 'holder', cpus[:1]); waiter = SlotQueue(home, 'waiter', cpus[:1])\n"
        f"assert holder.take() and not waiter.take(){death}"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == (-signal.SIGKILL if death else 0)
    assert (tmp_path / "devices" / "waiting" / "waiter").exists()
    assert enter("one").take()
    assert enter("other", (CPU, CPU_2)).take().slot == CPU_2


def test_an_unreadable_note_of_another_search_is_passed_over(enter, tmp_path):
    holder, strange, last = enter("holder"), enter("strange"), enter("last")
    held = holder.take()
    assert strange.take() is None
    (tmp_path / "devices" / "waiting" / "strange").write_text('{"search": 1}')
    holder.give_back(held)
    assert last.take()


def test_a_search_may_use_all_slots_or_one_at_a_time_on_one_device(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-ab/1")
    settings = Settings(tmp_path, devices=("cuda:0", "cuda:1", "cuda", "cpu"))
    every = queue_for(tmp_path, "every", None, settings)
    assert [slot.name for slot in every.slots] == ["cuda:0", "cuda:1", "cuda:0 #2", "cpu"]
    assert every.most == 4
    assert sorted(set(every._files.values())) == ["cpu", "gpu-4", "gpu-4.2", "gpu-GPU-ab-1"]
    alone = queue_for(tmp_path, "alone", "cuda", settings)
    assert ([slot.name for slot in alone.slots], alone.most) == (["cuda:0", "cuda:0 #2"], 1)
    assert queue_for(tmp_path, "cpu", "cpu", Settings(tmp_path, devices=("cuda:0",))).slots[0].device == "cpu"


def test_the_slots_share_the_cores(monkeypatch):
    monkeypatch.setattr("autodet.training.device.cpu_cores", lambda: 8)
    assert [slot.threads for slot in number_slots(["cpu"])] == [8]
    assert [slot.threads for slot in number_slots(["cpu", "cuda:0", "cuda:1"])] == [2, 2, 2]
    assert {slot.threads for slot in number_slots(["cpu"] * 9)} == {1}


# Real searches in real processes


def turns(*searches):
    """Which search's trials ran one after the other, and that none overlapped."""
    ran = sorted(
        (attempt.started, attempt.ended, search.id)
        for search in searches
        for trial in search.status().trials
        for attempt in trial.attempts
    )
    assert all(before[1] <= after[0] for before, after in pairwise(ran)), ran
    return [search for *_, search in ran]


def test_searches_take_turns_and_waiting_is_no_part_of_the_time_limit(start, eventually, capsys, tmp_path):
    script = {"seconds": 0.2, "file": str(tmp_path / "all are here")}
    first = start(script, trials=3, epochs=2, name="first")
    eventually(lambda: first.status().trials)
    second = start(script, trials=2, epochs=2, name="second", time_limit=60)
    waiting = eventually(lambda: next((one for one in [second.status()] if "waits" in one.message), None))
    assert (waiting.state, waiting.trials) == ("queued", ())
    waits = "It waits for a free device: the search first is using cpu. Its time limit is paused."
    assert waiting.message == waits
    assert waiting.seconds < 30  # its own start
    third = start(script, trials=1, epochs=2, name="third")
    eventually(lambda: "waits" in third.status().message)
    (tmp_path / "all are here").touch()
    ended = [search.wait(on_change=EpochLines(say)) for search in (third, second, first)]
    assert "It waits for a free device" in capsys.readouterr().err
    assert [status.state for status in ended] == ["finished"] * 3
    assert [status.message for status in ended] == [""] * 3
    assert turns(first, second, third) == ["first", "second", "third", "first", "second", "first"]


def test_a_killed_supervisor_frees_its_slot_and_a_killed_or_stopped_one_that_waits_is_not_waited_for(
    start, eventually, notes, supervisor_of
):
    script = {"seconds": 0.5}
    holder = start(script, trials=1, epochs=100, name="holder")
    holding = supervisor_of(holder)
    eventually(lambda: notes(holder, 0))
    killed = start(script, trials=1, epochs=1, name="killed")
    waiting = supervisor_of(killed)
    eventually(lambda: "waits" in killed.status().message)
    stopped = start(script, trials=1, epochs=1, name="stopped")
    eventually(lambda: "waits" in stopped.status().message)
    last = start(script, trials=1, epochs=1, name="last")
    eventually(lambda: "waits" in last.status().message)
    waiting.kill()
    stopped.stop()
    assert stopped.wait(best_so_far=True).state == "stopped"
    assert "no model" in stopped.status().message
    holding.kill()
    assert last.wait().state == "finished"
    assert [holder.status().state, killed.status().state] == ["interrupted", "interrupted"]
    assert killed.status().message == ""
    killed.resume()
    assert killed.wait().state == "finished"
    holder.resume()
    eventually(lambda: len(holder.status().trials[0].attempts) == 2)
    first, second = holder.status().trials[0].attempts
    assert first.started < first.ended < second.started
    assert second.ended is None


def test_a_frozen_worker_does_not_keep_the_slot_of_its_killed_supervisor(start, eventually, notes, supervisor_of):
    orphan = start({"seconds": 0.2}, trials=1, epochs=1000, name="orphan")
    worker = int(eventually(lambda: notes(orphan, 0))[0][0])
    eventually(lambda: orphan.status().state == "running")
    os.kill(worker, signal.SIGSTOP)
    supervisor_of(orphan).kill()
    assert start(trials=1, epochs=1, name="heir").wait().state == "finished"
    assert orphan.status().state == "interrupted"


def keep(_inherited, connection):
    connection.recv()


def test_a_worker_keeps_the_slot_that_its_supervisor_let_go_by_dying(enter, eventually):
    held = enter("orphan").take()
    spawn = multiprocessing.get_context("spawn")
    theirs, ours = spawn.Pipe()
    worker = spawn.Process(target=keep, args=(_Inherited(held.descriptor), theirs))
    worker.start()
    os.close(held.descriptor)  # as the operating system does it
    heir = enter("heir")
    assert heir.take() is None
    assert "the search orphan is using cpu" in notice_text(heir.obstacle)
    ours.send("end")
    worker.join()
    assert heir.take()
