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
"""Lettering in the primary colour on dark ground, where that colour, made for white lettering, is too dark."""


def page_style(dark: bool) -> str:
    """Return the style sheet for what the theme has no setting for."""
    rules = ['[data-testid="stMarkdownContainer"] table { display: block; max-width: 100%; overflow-x: auto }']
    if dark:
        chosen, value = 'button[data-selected="true"]', '[data-testid="stSliderThumbValue"]'
        rules.append(f"{chosen}, {chosen} *, {value}, {value} * {{ color: {SELECTED_ON_DARK} !important }}")
    return f"<style>{' '.join(rules)}</style>"
