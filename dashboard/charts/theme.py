"""One colour an emotion and one look for every chart, on light and dark ground alike."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

EMOTION_COLORS: dict[str, str] = {
    "angry": "#d3442f",
    "disgust": "#5f8f1e",
    "fear": "#9257c4",
    "happy": "#e09a00",
    "sad": "#2f6fc9",
    "surprise": "#1fa7b8",
    "neutral": "#858b99",
    "contempt": "#b8487f",
}
SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "happyness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
OTHER_COLORS = ("#3b7f6b", "#a5682a", "#6a7fd1", "#c26f9e", "#7a8f3c", "#4f9bd9", "#9b6b52", "#6f6f8f")
GRID = "rgba(128, 134, 150, 0.22)"


def class_colors(class_names: Sequence[str]) -> dict[str, str]:
    """Give each class its colour, whatever the classes are.

    An emotion always has the same colour (``Happiness`` and ``happy`` alike), so that it can be followed from page to
    page; any other class takes the next colour of a second palette.

    Args:
        class_names: Names in any order, case and grammatical form.

    Returns:
        Class name to ``#rrggbb``, in the order given.
    """
    colors: dict[str, str] = {}
    others = 0
    for name in class_names:
        word = name.strip().lower()
        emotion = SYNONYMS.get(word, word)
        if emotion in EMOTION_COLORS:
            colors[name] = EMOTION_COLORS[emotion]
        else:
            colors[name] = OTHER_COLORS[others % len(OTHER_COLORS)]
            others += 1
    return colors


def style(fig: go.Figure, height: int | None = None) -> go.Figure:
    """Give a figure the look of the app and return it.

    Text colours are left to the page, which knows whether it is light or dark; everything else reads on both.

    Args:
        fig: The figure, changed in place.
        height: Height in pixels; None keeps the figure's own.
    """
    fig.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 36 if fig.layout.title.text else 8, "b": 8},
        title={"x": 0, "xanchor": "left", "font": {"size": 15}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        hoverlabel={"font": {"size": 13}},
        bargap=0.25,
        dragmode=False,
    )
    if height is not None:
        fig.update_layout(height=height)
    fig.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, title_standoff=8)
    fig.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, title_standoff=8)
    return fig
