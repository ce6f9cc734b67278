"""What MJML 4 allows: the tags, the attributes of each and where each may stand.

Read from the components of npm mjml 4.18.0, because the compiler behind mjml-python accepts
unknown and misplaced tags and attributes without a word.
"""

from __future__ import annotations

_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_BORDER = "border border-top border-right border-bottom border-left"
_FONT = "font-family font-size font-weight"
_INNER_PADDING = (
    "inner-padding inner-padding-top inner-padding-right inner-padding-bottom inner-padding-left"
)
_BACKGROUND = (
    "background-color background-url background-repeat background-size background-position"
    " background-position-x background-position-y"
)
_SECTION = f"{_BACKGROUND} {_BORDER} border-radius direction full-width {_PADDING} text-align"
_ICONS = (
    "icon-align icon-width icon-height icon-wrapped-url icon-wrapped-alt icon-unwrapped-url"
    " icon-unwrapped-alt icon-position"
)

_ATTRIBUTES = {
    "mjml": "lang dir owa version",
    "mj-head": "",
    "mj-body": "width background-color id",
    "mj-attributes": "",
    "mj-breakpoint": "width",
    "mj-font": "name href",
    "mj-preview": "",
    "mj-style": "inline",
    "mj-title": "",
    "mj-raw": "position",
    "mj-include": "path type css-inline",
    "mj-section": f"{_SECTION} text-padding",
    "mj-wrapper": f"{_SECTION} text-padding gap",
    "mj-group": "background-color direction vertical-align width",
    "mj-column": (
        f"background-color {_BORDER} border-radius direction inner-background-color"
        f" inner-border inner-border-top inner-border-right inner-border-bottom inner-border-left"
        f" inner-border-radius {_PADDING} vertical-align width"
    ),
    "mj-hero": (
        "mode height background-url background-width background-height background-position"
        f" background-color border-radius container-background-color inner-background-color"
        f" {_INNER_PADDING} {_PADDING} vertical-align"
    ),
    "mj-text": (
        f"align background-color color container-background-color {_FONT} font-style height"
        f" letter-spacing line-height {_PADDING} text-decoration text-transform vertical-align"
    ),
    "mj-button": (
        f"align background-color {_BORDER} border-radius color container-background-color {_FONT}"
        f" font-style height href name title inner-padding letter-spacing line-height {_PADDING}"
        " rel target text-align text-decoration text-transform vertical-align width"
    ),
    "mj-image": (
        f"align alt {_BORDER} border-radius container-background-color fluid-on-mobile font-size"
        f" height href max-height name {_PADDING} rel sizes src srcset target title usemap width"
    ),
    "mj-divider": (
        f"align border-color border-style border-width container-background-color {_PADDING} width"
    ),
    "mj-spacer": f"{_BORDER} container-background-color height {_PADDING}",
    "mj-table": (
        f"align border cellpadding cellspacing color container-background-color {_FONT}"
        f" line-height {_PADDING} role table-layout vertical-align width"
    ),
    "mj-social": (
        f"align border-radius color container-background-color {_FONT} font-style icon-height"
        f" icon-padding icon-size inner-padding line-height mode {_PADDING} table-layout"
        " text-decoration text-padding vertical-align"
    ),
    "mj-social-element": (
        f"align alt background-color border-radius color {_FONT} font-style href icon-height"
        f" icon-padding icon-position icon-size line-height name {_PADDING} rel sizes src srcset"
        " target text-decoration text-padding title vertical-align"
    ),
    "mj-navbar": (
        "align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size"
        " ico-line-height ico-open ico-padding ico-padding-top ico-padding-right"
        f" ico-padding-bottom ico-padding-left ico-text-decoration ico-text-transform {_PADDING}"
    ),
    "mj-navbar-link": (
        f"color {_FONT} font-style href letter-spacing line-height name {_PADDING} rel target"
        " text-decoration text-transform"
    ),
    "mj-accordion": f"border container-background-color font-family {_ICONS} {_PADDING}",
    "mj-accordion-element": f"background-color border font-family {_ICONS}",
    "mj-accordion-title": f"background-color color {_FONT} {_PADDING}",
    "mj-accordion-text": f"background-color color {_FONT} letter-spacing line-height {_PADDING}",
    "mj-carousel": (
        "align border-radius container-background-color icon-width left-icon"
        f" {_PADDING} right-icon tb-border tb-border-radius tb-hover-border-color"
        " tb-selected-border-color tb-width thumbnails"
    ),
    "mj-carousel-image": (
        "alt border-radius href rel src target tb-border tb-border-radius thumbnails-src title"
    ),
}

EVERYWHERE = frozenset(("css-class", "mj-class"))
"""Attributes every tag of the body may carry."""

ATTRIBUTES = {tag: frozenset(names.split()) for tag, names in _ATTRIBUTES.items()}
"""Own attributes of every tag mjml-python compiles (mj-html-attributes it does not)."""

_CONTENT = (
    "mj-accordion mj-button mj-carousel mj-divider mj-image mj-navbar mj-raw mj-social mj-spacer"
    " mj-table mj-text"
)
_CHILDREN = {
    "mjml": "mj-head mj-body",
    "mj-head": "mj-attributes mj-breakpoint mj-font mj-preview mj-raw mj-style mj-title",
    "mj-body": "mj-hero mj-raw mj-section mj-wrapper",
    "mj-wrapper": "mj-hero mj-raw mj-section",
    "mj-section": "mj-column mj-group mj-raw",
    "mj-group": "mj-column mj-raw",
    "mj-column": _CONTENT,
    "mj-hero": _CONTENT,
    "mj-social": "mj-social-element",
    "mj-navbar": "mj-navbar-link",
    "mj-accordion": "mj-accordion-element",
    "mj-accordion-element": "mj-accordion-title mj-accordion-text",
    "mj-carousel": "mj-carousel-image",
}

CHILDREN = {tag: frozenset(names.split()) for tag, names in _CHILDREN.items()}
"""Which tags may stand directly inside a tag. `mj-attributes` takes any, as defaults."""

_ENDING = (
    "mj-accordion-text mj-accordion-title mj-button mj-carousel-image mj-navbar-link mj-preview"
    " mj-raw mj-social-element mj-style mj-table mj-text mj-title"
)

ENDING = frozenset(_ENDING.split())
"""Tags whose content is HTML or text, not MJML."""
