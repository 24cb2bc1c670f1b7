from autodet.inference.held_items import HeldItems


def test_a_thing_stays_until_the_last_session_lets_go():
    discarded = []
    items = HeldItems(discarded.append)
    token = items.add("photos")
    items.hold(token)
    items.hold(token)
    items.discard_unused(token)
    assert items.find(token) == "photos"
    items.discard(token)
    assert (items.find(token), discarded) == (None, ["photos"])
    items.discard(token)
    assert discarded == ["photos"]
    assert len({items.add("x") for _ in range(9)}) == 9
