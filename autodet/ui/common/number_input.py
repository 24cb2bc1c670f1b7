"""Number fields with validation."""

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
    """Show a number field, and a hint under it if the number is invalid.

    ``st.number_input`` with its own bounds marks an invalid number but does not report it: the page would continue with
    the previous number, which is no longer visible.

    Args:
        place: Container of the field.
        label: Label of the field.
        bounds: Lowest and highest valid number.
        value: Initial value.
        problems: List that receives an error message if the number is invalid.
        whole: Whether the number must be an integer.
        **look: Further arguments of ``st.number_input``.

    Returns:
        The number, or the nearest valid one if it is invalid; None if the field is empty.
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
        place.markdown(f":red[:small[Enter {possible}.]]")
        problems.append(f"{label} must be {possible}; got {given:,.10g}.")
    return nearest
