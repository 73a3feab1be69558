"""Name, logo and favicon: a face in a viewfinder."""

from __future__ import annotations

ACCENT = "#5a51d6"

_MARK = f"""<rect width="48" height="48" rx="12" fill="{ACCENT}"/>
<g fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">
<path d="M9 16v-4a3 3 0 0 1 3-3h4M32 9h4a3 3 0 0 1 3 3v4M39 32v4a3 3 0 0 1-3 3h-4M16 39h-4a3 3 0 0 1-3-3v-4"/>
<path d="M16 26.500a8.500 8.500 0 0 0 16 0"/></g>
<circle cx="18" cy="19.500" r="2.400" fill="#fff"/><circle cx="30" cy="19.500" r="2.400" fill="#fff"/>"""

FAVICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">{_MARK}</svg>'


def logo(dark: bool) -> str:
    """Return the mark and the name as SVG, with lettering that reads on a dark or a light ground."""
    ink = "#e8eaf2" if dark else "#1d2130"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 210 48" width="210" height="48">{_MARK}'
        f'<text x="60" y="34" font-family="Inter,\'Segoe UI\',\'Helvetica Neue\',Helvetica,Arial,sans-serif" '
        'font-size="29" font-weight="700" textLength="140" lengthAdjust="spacingAndGlyphs" '  # whatever the font
        f'letter-spacing="-0.5" fill="{ink}">Emoscope</text></svg>'
    )


SELECTED_ON_DARK = "#c3bfff"
"""Lettering of a selected segment on dark ground, where the primary colour, made for white lettering, is too dark."""


def dark_style() -> str:
    """Return the style sheet that the theme has no setting for."""
    chosen = 'button[data-selected="true"]'
    return f"<style>{chosen}, {chosen} * {{ color: {SELECTED_ON_DARK} !important }}</style>"
