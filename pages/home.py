"""What this is, how good it is, and where to click."""

import streamlit as st

st.title("Emoscope")
