"""Entry point of the demo on Streamlit Community Cloud: ``streamlit run cloud/app.py``.

It serves the app of this repository with the workspace ``cloud/demo``. ``cloud/requirements.txt`` installs what this
needs: neither torch nor Optuna. Secrets and environment variables take precedence over both settings here.
"""

import os
import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("AUTODET_MODE", "demo")
os.environ.setdefault("AUTODET_HOME", str(HERE / "demo"))

from autodet.ui.common.server_app import MIDDLEWARE, ROUTES, lifespan  # noqa: E402 - the path is set above

app = st.App(HERE.parent / "app.py", middleware=MIDDLEWARE, lifespan=lifespan, routes=ROUTES)
