"""Empty pages: a drawing of the future contents, a sentence, and a button for the next step."""

from base64 import b64encode
from collections.abc import Sequence

import streamlit as st

from autodet.ui.common.frame import link

FRAME = '<rect x="2" y="2" width="96" height="60" rx="6"/>'
PHOTO = '<path d="M2 50l22-20 18 16 20-24 36 30"/><circle cx="22" cy="18" r="6"/>'
LINES = (  # mid tones, visible in both themes
    "svg{fill:none;stroke:#8a9690;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}.accent{stroke:#2a9d6f}"
)
DRAWINGS = {  # inside a frame of 100 by 64
    "photos": f'{FRAME}{PHOTO}<rect class="accent" x="52" y="16" width="30" height="30" rx="3"/>',
    "curve": f'{FRAME}<path d="M12 12v40h78"/><path class="accent" d="M14 48c12 0 16-26 34-28s22-6 40-6"/>'
    '<path d="M14 50c18-2 24-14 40-16s24-4 34-4"/>',
    "bars": f'{FRAME}<path d="M12 12v40h78"/><path d="M24 52V32h12v20M64 52V38h12v14"/>'
    '<path class="accent" d="M44 52V20h12v32"/>',
    "model": '<path d="M50 4l34 15v28L50 62 16 47V19z"/><path d="M16 19l34 15 34-15M50 34v28"/>'
    '<path class="accent" d="M8 12V4h8M84 4h8v8M92 54v8h-8M16 62H8v-8"/>',
}


def show_empty(drawing: str, text: str, links: Sequence[tuple[str, str]]) -> None:
    """Show a page without contents.

    Args:
        drawing: A key of ``DRAWINGS``.
        text: The missing contents and the next step, as Markdown.
        links: Pages with the labels of their links, the usual next step first.
    """
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        show_drawing(drawing)
        st.markdown(text, width="content")
        with st.container(horizontal=True, horizontal_alignment="center"):
            for place, (page, label) in enumerate(links):
                link(page, label, primary=place == 0)


def show_drawing(name: str, width: int = 200) -> None:
    """Show a decorative drawing, without a text alternative.

    Args:
        name: A key of ``DRAWINGS``.
        width: Its width in pixels.
    """
    height = round(width * 0.66)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 102 66"><style>{LINES}</style>{DRAWINGS[name]}</svg>'
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    st.html(f'<img src="{source}" alt="" width="{width}" height="{height}">', width="content")
