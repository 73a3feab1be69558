"""Upload pictures, see every face and what the network reads in it."""

import streamlit as st

from dashboard import state

st.title("Predict")
choice = state.sidebar_controls()
