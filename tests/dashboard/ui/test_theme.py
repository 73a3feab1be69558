import re
import tomllib

import plotly.graph_objects as go
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import forward_msg_cache

from emoscope.dashboard.charts.theme import style
from emoscope.dashboard.ui.brand import FAVICON, SELECTED_ON_DARK, logo
from emoscope.model.drawing.palette import relative_luminance
from tests.paths import ROOT

CONFIG = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())


def contrast(one, other):
    light, dark = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_styled_figure_lets_the_page_show_through_and_keeps_its_height():
    fig = style(go.Figure(go.Bar(x=[1], y=[2]), layout={"height": 321}))
    assert fig.layout.paper_bgcolor == fig.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert fig.layout.height == 321
    assert fig.layout.font.color is None  # the page knows whether it is light or dark
    assert style(fig, height=99).layout.height == 99


CAPTION = 0.6
"""Opacity of captions and of the menu's icons in Streamlit."""


def over(ink, ground, opacity):
    mixed = (round(opacity * int(ink[i : i + 2], 16) + (1 - opacity) * int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def test_a_selected_segment_reads_on_dark_ground():
    theme = CONFIG["theme"]["dark"]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(SELECTED_ON_DARK, over(theme["primaryColor"], ground, 0.3)) >= 4.5


def test_text_reads_on_every_ground_of_the_theme():
    for name in ("light", "dark"):
        theme = CONFIG["theme"][name]
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            for ground_of in (theme, theme["sidebar"]):
                assert contrast(theme["textColor"], ground_of[ground]) >= 7
            assert contrast(over(theme["textColor"], theme[ground], CAPTION), theme[ground]) >= 4.5
        assert contrast(theme["linkColor"], theme["backgroundColor"]) >= 4.5
        assert contrast("#ffffff", theme["primaryColor"]) >= 4.5  # the lettering of the main button


def test_nothing_is_fetched_from_elsewhere():
    text = str(CONFIG) + FAVICON.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|fontFaces", text)
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["showEmailPrompt"] is False


def test_the_logo_is_lettered_for_its_ground():
    for dark, name in ((False, "light"), (True, "dark")):
        ink = re.search(r'letter-spacing="[^"]*" fill="(#\w+)"', logo(dark)).group(1)
        assert contrast(ink, CONFIG["theme"][name]["sidebar"]["backgroundColor"]) >= 7


def test_no_element_is_sent_as_a_reference_that_the_browser_may_have_dropped(monkeypatch):
    options = {"global.minCachedMessageSize": CONFIG["global"]["minCachedMessageSize"]}
    monkeypatch.setattr(forward_msg_cache.config, "get_option", options.__getitem__)
    message = ForwardMsg()
    message.delta.new_element.markdown.body = "x" * 1_000_000
    forward_msg_cache.populate_hash_if_needed(message)
    assert message.hash and not message.metadata.cacheable
    options["global.minCachedMessageSize"] = 10e3
    message.hash = ""
    forward_msg_cache.populate_hash_if_needed(message)
    assert message.metadata.cacheable, "the option still means what it did"
