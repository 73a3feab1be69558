"""What this is, how good it is, and where to click."""

import streamlit as st

from emoscope.dashboard.home import view as home_view
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.navigation import PAGES
from emoscope.dashboard.ui.notices import show_error
from emoscope.model.errors import EmoscopeError
from emoscope.model.runs.run import DEFAULT_RUN
from emoscope.version import __version__

run = None
try:
    run = resources.run(DEFAULT_RUN)
except EmoscopeError as error:
    show_error(error)

words, picture = st.columns(2, gap="large", vertical_alignment="center")
with words:
    st.title("Facial emotion recognition you can inspect", anchor=False)
    st.markdown(
        "Emoscope finds every face in a picture or a video and shows which emotion a neural network predicts for it, "
        "how sure it is, and which part of the face it went by. Nothing is sent to anybody else."
    )
    home_view.show_ways_in()
with picture:
    if run is not None:
        home_view.show_sample(run)

if run is not None:
    st.space("small")
    home_view.show_figures(run)

st.space("small")
st.subheader("Look behind it", anchor=False)
home_view.show_cards([entry for entry in PAGES if entry.group == "Understand"])
st.caption(
    "The network predicts expressions as people labelled them in photographs. It does not know what anybody feels: "
    "treat its predictions as a guess about a picture, and never decide about a person by them."
)
st.caption(f"Emoscope {__version__}")
