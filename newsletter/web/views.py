"""The very digest of a mail, in the browser."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from newsletter.links import Way
from newsletter.model import Digest
from newsletter.web.bearers import digest_of, subject_of
from newsletter.web.guard import POLICY
from newsletter.web.hoist import hoist
from newsletter.web.site import Site


class Views:
    """The very digest of a mail, in the browser."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._renderer = site.post.renderer.without_limit()
        self.router = APIRouter()
        self.router.add_api_route("/view/{token}", self.show, methods=["GET"])

    def show(self, token: str) -> HTMLResponse:
        """Every pick of the digest, those too that the mail had to leave out."""
        (digest_id,) = subject_of(self._site, Way.VIEW, token)
        digest, reader = digest_of(self._site, digest_id)
        links = self._site.links.for_digest(digest)
        page = hoist(self._renderer.render(without_pictures(digest), reader, links).html)
        headers = {
            "content-security-policy": _policy(page.hashes),
            "x-robots-tag": "noindex",
            "cache-control": "no-store",
        }
        return HTMLResponse(page.html, headers=headers)


def without_pictures(digest: Digest) -> Digest:
    """The digest without thumbnails: they are on servers of others, who would learn who reads."""
    bare = (replace(pick, paper=replace(pick.paper, thumbnail_url="")) for pick in digest.picks)
    return replace(digest, picks=tuple(bare))


def _policy(hashes: tuple[str, ...]) -> str:
    """The policy of every page, with this page's own style sheets and no script."""
    styles = " ".join(hashes)
    return POLICY.replace("style-src 'self'", f"style-src {styles}").replace(
        "script-src 'self'; worker-src 'self'; ", ""
    )
