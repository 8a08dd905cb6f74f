"""Who may reach the feed, the page and the metrics.

A page on the internet can make a browser connect to a port of this machine, and by changing what its
own name resolves to (DNS rebinding) even read the answers. So the name under which the server was asked
for (`Host`) must be one of its own, and a browser's page (`Origin`) must come from that same place.
Tokens are JSON Web Tokens, HS256 under the shared secret, and always expire.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from time import time
from typing import Any, Final
from urllib.parse import urlsplit

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError, InvalidInput

AUDIENCE: Final = "session-buddy"
_ALGORITHM: Final = "HS256"
_LEEWAY_SECONDS: Final = 5


class Access:
    """The rules of one server."""

    def __init__(self, settings: Settings) -> None:
        """settings: host, feed_hosts, feed_secret."""
        self._beyond = not is_loopback(settings.host)
        names = (name.strip().lower() for name in settings.feed_hosts.split(","))
        self._names = {name for name in names if name} | {"localhost"}
        self._secret = settings.feed_secret

    @property
    def needs_token(self) -> bool:
        """Whether a subscriber has to show a token."""
        return bool(self._secret)

    def problem_with(self, host: str | None, origin: str | None) -> str | None:
        """Why a request with these headers is refused; None if it is not."""
        name = _name_of(host)
        if host is None or name is None:
            return "The request has no usable Host header."
        if not self._is_ours(name):
            return (
                "This server is not known under that name. If it should be, add the name to the setting"
                " feed_hosts."
            )
        if origin is not None and _place_of(origin) != host.lower():
            return "Pages of other places may not read this server."
        return None

    def admits(self, token: str) -> bool:
        """Whether a token was made with the secret, for this, and has not expired."""
        return bool(self._secret) and claims_of(token, self._secret) is not None

    def admits_header(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header carries such a token."""
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self.admits(token.strip())

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._beyond or address.is_loopback  # an address cannot be rebound, only a name can


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that is bound to `host`."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(settings: Settings) -> None:
    """Refuse to serve others without a token, or with half a certificate.

    Raises:
        ConfigurationError: with what to set.
    """
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise ConfigurationError(
            "TLS needs a certificate and its key: set both tls_cert and tls_key, or neither."
        )
    if not is_loopback(settings.host) and not settings.feed_secret:
        raise ConfigurationError(
            f"host is set to {settings.host}, which others can reach, and no feed_secret is set. Set one (32 "
            "random characters or more) so that only holders of a token can read, or bind to 127.0.0.1."
        )


def make_token(secret: str, seconds: float, subject: str = "subscriber") -> str:
    """A token that is good for so many seconds.

    Raises:
        InvalidInput: there is no secret to sign it with.
    """
    if not secret:
        raise InvalidInput("There is no feed_secret to sign a token with; set one, then ask again.")
    import jwt  # brings the whole of `cryptography`; only homes with a secret pay for it

    now = int(time())
    return jwt.encode(
        {"aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + int(seconds)}, secret, _ALGORITHM
    )


def claims_of(token: str, secret: str) -> Mapping[str, Any] | None:
    """What a token says; None if it is forged, expired, for something else, or no token at all."""
    import jwt  # as above

    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "aud"]},
        )
    except jwt.InvalidTokenError:
        return None
    return claims


def _name_of(host: str | None) -> str | None:
    """The name in a `Host` header, without port and brackets; None if it is no such header."""
    try:
        parts = urlsplit(f"//{host or ''}")
        name = parts.hostname
        _ = parts.port  # raises if it is no port
    except ValueError:
        return None
    if not name or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return name.rstrip(".").lower()


def _place_of(origin: str) -> str | None:
    """`name:port` of an origin as `Host` would say it; None for `null` and other things without a place."""
    parts = urlsplit(origin)
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None
