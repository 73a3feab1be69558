"""The app's router: which pages there are, and the frame around them.

``python -m dashboard`` and ``streamlit run dashboard/app.py`` both run this file, from any folder.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # `streamlit run` puts only this file's folder on the path
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard.brand import FAVICON, logo  # noqa: E402

PAGES = {
    "": [st.Page(ROOT / "pages" / "home.py", title="Home", icon=":material/home:", url_path="", default=True)],
    "Try it": [
        st.Page(ROOT / "pages" / "predict.py", title="Predict", icon=":material/add_photo_alternate:"),
    ],
    "Understand": [],
}

st.set_page_config(page_title="Emoscope", page_icon=FAVICON, layout="wide")
st.logo(logo(dark=st.context.theme.type == "dark"), size="large", icon_image=FAVICON)
st.navigation({title: pages for title, pages in PAGES.items() if pages}).run()
