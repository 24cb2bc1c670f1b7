"""Numbers that visitors type."""

from typing import Any

from streamlit.delta_generator import DeltaGenerator


def ask_for_number(
    place: DeltaGenerator,
    label: str,
    bounds: tuple[float, float],
    value: float | None,
    problems: list[str],
    *,
    whole: bool = True,
    **look: Any,
) -> float | None:
    """A number that the page knows even where it makes no sense; a sentence under the field says what it can be.

    ``st.number_input`` with bounds of its own marks what is beyond them and tells the page nothing: it would go on with
    the number before, which nobody sees any more.

    Args:
        place: Where the field stands.
        label: Its name.
        bounds: The lowest and the highest number that make sense.
        value: What is filled in.
        problems: A sentence is added where the number makes no sense.
        whole: Whether it has to be a whole number.
        **look: As ``st.number_input`` takes it.

    Returns:
        The number; the nearest one that makes sense where there is a problem, None where the field is empty.
    """
    filled_in = None if value is None else float(value)
    step = look.pop("step", 1.0)
    given = place.number_input(label, value=filled_in, step=step, format="%.10g", persist_state="session", **look)
    if given is None:
        return None
    least, most = bounds
    nearest = min(max(given, least), most)
    if whole:
        nearest = int(nearest)
    if nearest != given:
        possible = f"a {'whole ' * whole}number from {least:,.10g} to {most:,.10g}"
        place.markdown(f":red[:small[It can be {possible}.]]")
        problems.append(f"{label}: {possible}, not {given:,.10g}.")
    return nearest
