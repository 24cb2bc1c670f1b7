"""Entry point of the browser app: ``streamlit run app.py``.

The server imports this file once, and each visit runs it as its script.
"""

import streamlit as st

if st.runtime.scriptrunner.get_script_run_ctx(suppress_warning=True):
    from autodet.ui.common.frame import ICON, LOGO, navigation
    from autodet.ui.common.work_under_way import show_work

    st.set_page_config(page_title="autodet", page_icon=str(ICON), layout="wide")
    st.logo(str(LOGO), size="large")
    page = navigation()
    show_work(page)
    page.run()
else:
    from autodet.ui.common.server_app import MIDDLEWARE, ROUTES, lifespan

    app = st.App(__file__, middleware=MIDDLEWARE, lifespan=lifespan, routes=ROUTES)
