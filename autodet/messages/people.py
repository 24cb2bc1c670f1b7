"""Words for the people who made or changed something."""


def person_text(name: str) -> str:
    """Name a person: an e-mail address as it is, and a user of the machine as one of the command line or Python.

    Args:
        name: ``Visitor.name``; empty if unknown, which stays empty.
    """
    return name if "@" in name or not name else f"{name} (command line)"
