import pytest

from autodet.messages.search import ending_text, loss_text, notices_text, with_sentences
from autodet.records import Notice, SearchStatus, TrialStatus

LOST = Notice.of("process_killed", signal="SIGKILL")


@pytest.mark.parametrize(
    ("notices", "text"),
    [
        ([], ""),
        ([Notice.of("waits_for_device", searches=[], devices=[])], "It waits for a free device."),
        (
            [Notice.of("waits_for_device", searches=["a"], devices=["cpu"]), Notice("time_limit_paused")],
            "It waits for a free device: the search a is using cpu. Its time limit is paused.",
        ),
        (
            [Notice.of("waits_for_device", searches=["e", "b", "c", "d"], devices=[])],
            "It waits for a free device: the searches b, c and 2 more are next.",
        ),
        (
            [Notice.of("time_limit_reached", seconds=90.0), Notice("best_model_kept")],
            "The time limit of 90 seconds was reached. The best model so far is kept.",
        ),
        (
            [Notice.of("combinations_exhausted", combinations=1200)],
            "All 1,200 combinations have been tried.",
        ),
        (
            [Notice.of("combinations_exhausted", combinations=1)],
            "The only combination of parameters has been tried.",
        ),
        ([Notice.of("refit_under_way", done=1, epochs=4)], "The final retraining has done 1 of 4 epochs."),
        (
            [Notice.of("refit_failed", Notice.of("refit_lost", LOST, times=3))],
            "There is no final retraining: The final retraining was lost 3 times without progress in between: its "
            "process was ended from outside (SIGKILL). The best trial's model is kept.",
        ),
        (
            [Notice.of("average_published", trials=[0, 2, 1], metric="mAP@0.5", score=0.934, best=0.9116)],
            "The model is the average of the trials 0, 2 and 1 (mAP@0.5: 0.934 instead of 0.912 of the best trial "
            "alone).",
        ),
        (
            [Notice.of("average_failed", Notice.of("average_lost", LOST, times=3))],
            "The best trials could not be averaged: Their average was lost 3 times without progress in between: its "
            "process was ended from outside (SIGKILL). The best trial's model is kept.",
        ),
        (
            [Notice.of("interrupted_unexpectedly", detail="ValueError: {odd}", log="/log")],
            "It was interrupted (ValueError: {odd}); see /log, then resume it.",
        ),
    ],
)
def test_notices_as_sentences(notices, text):
    assert notices_text(tuple(notices)) == text


def test_losses_as_clauses():
    assert loss_text(Notice.of("no_progress", seconds=600.0)) == "it showed no progress for 600 seconds"
    assert loss_text(Notice.of("process_ended", exit_code=3)) == "its process ended with exit code 3"


def test_a_status_gets_its_sentences():
    failed = TrialStatus(0, "failed", {}, reason=Notice.of("lost", LOST, times=3))
    fine = TrialStatus(1, "finished", {})
    cause = Notice.of("few_steps", steps=8, few=100)
    status = with_sentences(
        SearchStatus(
            "s",
            "d",
            "stopped",
            (failed, fine),
            notices=(Notice("stopped"),),
            cautions=(Notice.of("classes_unmeasured", classes=["fig"], split="val"),),
            diagnoses=(Notice.of("nothing_found", cause, trial=1, epochs=2, others=0),),
        )
    )
    assert status.message == "It was stopped."
    assert status.caution == "fig is not evaluated: no validation photo shows it."
    assert status.diagnosis.startswith(
        "Trial 1 has found nothing in 2 epochs: its mAP@0.5 stays at 0. The likely cause:"
    )
    error = "The trial was lost 3 times without progress in between: its process was ended from outside (SIGKILL)."
    assert [trial.error for trial in status.trials] == [error, None]
    assert ending_text(failed) == f"Trial 0: failed. {error}"
    assert ending_text(fine) == "Trial 1: finished."
