"""The page that a merchant sees after access was granted or refused."""

from __future__ import annotations

from html import escape

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
"""Of every such page: its address holds a code, so nobody may keep, frame or hand it on."""

STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; margin: 12vh auto 0; max-width: 34rem; padding: 0 1.5rem; color: #1c2733; }
h1 { font-size: 1.5rem; margin-bottom: .5rem; overflow-wrap: anywhere; } p { overflow-wrap: anywhere; }
.mark { font-size: 2.5rem; line-height: 1; } .well .mark { color: #13713c; } .ill .mark { color: #b3261e; }
footer { margin-top: 3rem; color: #5b6875; font-size: .85rem; }
@media (prefers-color-scheme: dark) {
  body { background: #12181f; color: #dce4ec; } footer { color: #8fa0b0; }
  .well .mark { color: #6fd39a; } .ill .mark { color: #ff8a80; }
}
"""


def page(title: str, words: str, *, well: bool) -> str:
    """A page with one message."""
    mark, kind = ("✓", "well") if well else ("✕", "ill")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style><body class={kind}>"
        f"<div class=mark aria-hidden=true>{mark}</div><h1>{escape(title)}</h1><p>{escape(words)}</p>"
        "<footer>backroom</footer></body></html>"
    )
