"""Compare page: leaderboard of a data set, and two of its models in detail."""

from autodet.search.leaderboard import leaderboard
from autodet.ui.common.choice import choose_labelled_dataset, choose_split
from autodet.ui.common.frame import page
from autodet.ui.compare.evaluations import explain_no_model, explain_test_split, offer_evaluations
from autodet.ui.compare.leaderboard_view import show_leaderboard
from autodet.ui.compare.pair import show_pair

with page("compare", "Models on the same photos: which is best, and is the difference more than chance?"):
    dataset = choose_labelled_dataset("there is nothing to compare detections with", trains=False)
    if dataset:
        ranked = leaderboard(dataset, choose_split(dataset))
        explain_test_split(dataset)
        if ranked.standings:
            chosen = show_leaderboard(ranked)
            offer_evaluations(ranked, dataset)
            if len(chosen) == 2:
                show_pair(ranked, dataset, (chosen[0], chosen[1]))
        else:
            explain_no_model()
