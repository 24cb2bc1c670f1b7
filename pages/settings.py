"""Settings page: configuration of this installation."""

from autodet.ui.common.frame import page
from autodet.ui.settings.installation import show_installation
from autodet.ui.settings.tokens import show_tokens

with page("settings", "The settings of this installation: environment variables, which docs/settings.md lists."):
    show_tokens()
    show_installation()
