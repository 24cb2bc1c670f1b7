"""The real training, on photos so small that a test can wait for it, and whatever else goes wrong with it."""

import os
from dataclasses import replace

from autodet.training import loop

LR = "AUTODET_TEST_LR"


def train(job, pulse):
    changes = {"lr": float(os.environ[LR])} if LR in os.environ and job.folder.name == "0" else {}
    yield from loop.train(replace(job, hyperparameters=replace(job.hyperparameters, image_size=128, **changes)), pulse)
