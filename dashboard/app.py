"""The app's router: the menu and the frame around the pages, which ``dashboard/navigation.py`` lists.

``python -m dashboard`` and ``streamlit run dashboard/app.py`` both run this file, from any folder.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # `streamlit run` puts only this file's folder on the path
    sys.path.insert(0, str(ROOT))

# Before anything can load TensorFlow: its own copy of OpenSSL's names makes a later import of this crash the process.
import pylibsrtp  # noqa: E402, F401
import streamlit as st  # noqa: E402

from dashboard.brand import FAVICON, logo  # noqa: E402
from dashboard.download_files import keep_until_fetched  # noqa: E402
from dashboard.navigation import HOME, PAGES  # noqa: E402

keep_until_fetched()
st.set_page_config(page_title="Emoscope", page_icon=FAVICON, layout="wide")
st.logo(logo(dark=st.context.theme.type == "dark"), size="large", icon_image=FAVICON)

menu = {"": [st.Page(HOME.path, title=HOME.title, icon=HOME.icon, default=True)]}
for entry in PAGES:
    menu.setdefault(entry.group, []).append(st.Page(entry.path, title=entry.title, icon=entry.icon))
st.navigation(menu, expanded=True).run()
