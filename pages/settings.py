"""What this installation is."""

from autodet.ui.frame import page
from autodet.ui.installation import show_installation

with page("settings", "What this installation is; it is set by environment variables, which the README lists."):
    show_installation()
