"""The app's router: the menu and the frame around the pages, which ``dashboard/ui/navigation.py`` lists.

``python -m dashboard`` and ``streamlit run dashboard/app.py`` both run this file, from any folder.
"""

import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if (ROOT / "emoscope").is_dir() and str(ROOT) not in sys.path:  # `streamlit run` adds this folder alone
    sys.path.insert(0, str(ROOT))

# Before anything can load TensorFlow: its own copy of OpenSSL's names makes a later import of this crash the process.
import pylibsrtp  # noqa: E402, F401
import streamlit as st  # noqa: E402
from streamlit.runtime.scriptrunner import StopException  # noqa: E402

from emoscope.dashboard.ui.brand import FAVICON, logo, page_style  # noqa: E402
from emoscope.dashboard.ui.download_files import keep_until_fetched  # noqa: E402
from emoscope.dashboard.ui.navigation import HOME, PAGES  # noqa: E402

keep_until_fetched()

st.set_page_config(page_icon=FAVICON, layout="wide")  # before the menu, or a page's icon would be fetched from the web
menu = {"": [st.Page(HOME.path, title=HOME.title, icon=HOME.icon, default=True)]}
for entry in PAGES:
    menu.setdefault(entry.group, []).append(st.Page(entry.path, title=entry.title, icon=entry.icon))
page = st.navigation(menu, expanded=True)
st.set_page_config(page_title=f"{page.title} · Emoscope")
dark = st.context.theme.type == "dark"
st.logo(logo(dark), size="large", icon_image=FAVICON)
st.html(page_style(dark))
# st.stop() ends the page and not the app: only after a run to its end Streamlit drops the fragments of the page's
# earlier state, which would go on redrawing what no longer stands there.
with suppress(StopException):
    page.run()
