"""Entry point of the browser app: ``streamlit run app.py``."""

import streamlit as st

from autodet.ui.common.frame import ICON, LOGO, navigation
from autodet.ui.common.work_under_way import show_work

st.set_page_config(page_title="autodet", page_icon=str(ICON), layout="wide")
st.logo(str(LOGO), size="large")
page = navigation()
show_work(page)
page.run()
