"""Notices: JSON round trips, also of the sentences of earlier versions."""

import json

from autodet.records import Notice, TrialStatus, notices_from_json, notices_to_json


def test_notices_survive_json():
    cause = Notice.of("process_killed", signal="SIGKILL")
    notices = (Notice.of("refit_failed", Notice.of("refit_lost", cause, times=3)), Notice("stopped"))
    assert notices_from_json(json.loads(json.dumps(notices_to_json(notices)))) == notices
    assert notices_from_json("It was stopped.") == (Notice.of("sentence", text="It was stopped."),)
    assert notices_from_json("") == ()
    failed = TrialStatus(0, "failed", {}, reason=notices[0])
    assert TrialStatus.from_json(json.loads(json.dumps(failed.to_json()))) == failed
