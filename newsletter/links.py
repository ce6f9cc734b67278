"""Links into our own pages: opaque signed tokens, bound to a purpose, without any address inside.

A GET of any of them only shows; acting needs a POST (RFC 8058 section 3.1, and link scanners).
"""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from newsletter.model import Digest


class LinkMaker:
    """Makes and reads the links of one installation.

    Args:
        base_url: public home without trailing slash.
        secret: signing key; whoever holds it can act for every subscriber.
    """

    def __init__(self, base_url: str, secret: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._secret = secret

    def _signer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"newsletter.{purpose}.v1")

    def url(self, purpose: str, *subject: str) -> str:
        """The link for one purpose (`unsubscribe`, `preferences`, ...) and what it is about."""
        token = self._signer(purpose).dumps(list(subject))
        return f"{self.base_url}/{purpose}/{token}"

    def read(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """What a token is about, or `None` for a forged one or one made for another purpose."""
        try:
            subject = self._signer(purpose).loads(token)
        except BadSignature:
            return None
        return tuple(str(part) for part in subject)

    def for_digest(self, digest: Digest) -> DigestLinks:
        """All links of one mail."""
        return DigestLinks(maker=self, digest=digest)


@dataclass(frozen=True, slots=True)
class DigestLinks:
    """The links of one digest; the templates ask for them by name."""

    maker: LinkMaker
    digest: Digest

    @property
    def unsubscribe(self) -> str:
        return self._of("unsubscribe")

    @property
    def preferences(self) -> str:
        return self._of("preferences")

    @property
    def pause(self) -> str:
        return self._of("pause")

    @property
    def view(self) -> str:
        """The same digest as a web page."""
        return self._of("view")

    @property
    def archive(self) -> str:
        """Everything that was listed that day, for everybody."""
        return f"{self.maker.base_url}/archive/{self.digest.edition}"

    def more(self, paper_id: str) -> str:
        return self.maker.url("more", self.digest.id, paper_id)

    def less(self, paper_id: str) -> str:
        return self.maker.url("less", self.digest.id, paper_id)

    def _of(self, purpose: str) -> str:
        return self.maker.url(purpose, self.digest.id)
