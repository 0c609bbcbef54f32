"""The certificate that HTTPS is served with: loaded at the start, and taken anew when its files change."""

import logging
import ssl
from pathlib import Path

from cpusensor.config.settings import Settings
from cpusensor.http.listening import ListenError

log = logging.getLogger(__name__)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What to accept connections with; None where no certificate is set. Raises ListenError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key).front


class Certificate:
    """A certificate chain and its key, which may be renewed at any time, one file after the other."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Raises ListenError for files that cannot be used together."""
        self._chain = chain
        self._key = key
        self._seen = self._look()
        try:
            self._current = self._load()
        except _UNUSABLE as error:
            raise ListenError(f"{chain}: cannot be used with {key} ({_reason(error)})") from error
        self.front = self._load()
        """What connections are accepted with: each then gets the certificate in force."""
        # Called for every handshake, with a name or without (SSL_CTX_set_tlsext_servername_callback(3)).
        self.front.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _front: ssl.SSLContext) -> None:
        found = self._look()
        if found != self._seen:
            self._seen = found
            try:
                # A new context, for an old one would keep its certificate beside a new one with another kind of key.
                self._current = self._load()
            except _UNUSABLE as error:
                # Often one of the two is there and the other on its way. What changes next is tried again.
                log.warning("the new %s cannot be used with %s yet (%s)", self._chain, self._key, _reason(error))
            else:
                log.info("%s was renewed", self._chain)
        connection.context = self._current

    def _look(self) -> list[tuple[int, ...] | None]:
        """What changes with the files, or with where links lead."""
        return [_identity(path) for path in (self._chain, self._key)]

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._chain, self._key, password=_refuse_password)
        return context


_UNUSABLE = (OSError, ssl.SSLError, ValueError)


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _reason(error: Exception) -> object:
    return getattr(error, "reason", None) or error


def _refuse_password() -> str:
    """OpenSSL asks for a key's password; without this it would ask on the terminal, and wait."""
    raise ValueError("the key is encrypted")
