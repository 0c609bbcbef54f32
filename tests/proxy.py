"""Real proxies in front of the service, set up by the files in deploy/."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service import ROOT, Service
from tests.waiting import wait_until

UPSTREAM = "8080"
"""The port at which the files in deploy/ expect the service."""

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        {snippet}
    }}
}}
"""

CADDY = """
{{
    admin off
    auto_https off
}}
{snippet}
"""

APACHE = """
ServerName localhost
PidFile apache.pid
ErrorLog error.log
Mutex pthread
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
Listen 127.0.0.1:{port}
<VirtualHost *>
{snippet}
</VirtualHost>
"""

HAPROXY = """
defaults
    timeout connect 10s
    timeout client 1m
    timeout server 1m
"""

LIGHTTPD = """
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
"""


def nginx(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for nginx with the snippet in the place that its first line names."""
    (folder / "nginx.conf").write_text(NGINX.format(snippet=snippet, port=port))
    return [find("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]


def caddy(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for Caddy, which serves our port in place of the example's name."""
    site = snippet.replace("\nexample.org {", f"\nhttp://127.0.0.1:{port} {{")
    (folder / "Caddyfile").write_text(CADDY.format(snippet=site))
    return [find("caddy"), "run", "--config", str(folder / "Caddyfile")]


def apache(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for Apache with the snippet in a VirtualHost, and the modules that it names."""
    (folder / "apache.conf").write_text(APACHE.format(snippet=snippet, port=port))
    return [find("apache2"), "-d", str(folder), "-f", "apache.conf", "-D", "FOREGROUND"]


def haproxy(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for HAProxy, which serves our port in place of the example's."""
    (folder / "haproxy.cfg").write_text(HAPROXY + snippet.replace("bind :80\n", f"bind 127.0.0.1:{port}\n"))
    return [find("haproxy"), "-f", str(folder / "haproxy.cfg")]


def lighttpd(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for lighttpd."""
    (folder / "lighttpd.conf").write_text(LIGHTTPD.format(folder=folder, port=port) + snippet)
    return [find("lighttpd"), "-D", "-f", str(folder / "lighttpd.conf")]


def varnish(folder: Path, snippet: str, port: int) -> list[str]:
    """The command for Varnish, which by itself would cut a stream almost at once."""
    (folder / "varnish.vcl").write_text(snippet)
    where = ["-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-f", str(folder / "varnish.vcl")]
    return [find("varnishd"), "-F", "-j", "none", *where, "-s", "malloc,16m", "-p", "send_timeout=1"]


PROXIES = {
    "nginx.conf": nginx,
    "Caddyfile": caddy,
    "apache.conf": apache,
    "haproxy.cfg": haproxy,
    "lighttpd.conf": lighttpd,
    "varnish.vcl": varnish,
}


@contextmanager
def site(shipped: str, service: Service, folder: Path) -> Iterator[str]:
    """A site that has the service under /cpu/, as a file in deploy/ sets it up; the site's address."""
    snippet = (ROOT / "deploy" / shipped).read_text()
    assert UPSTREAM in snippet
    port = free_port()
    command = PROXIES[shipped](folder, snippet.replace(UPSTREAM, str(service.port)), port)
    with subprocess.Popen(command, env=os.environ | {"HOME": str(folder)}, stderr=subprocess.PIPE) as proxy:
        try:
            wait_until(lambda: proxy.poll() is not None or is_listening(port), "the proxy does not listen")
            assert proxy.returncode is None, "the proxy has ended"
            yield f"http://127.0.0.1:{port}/"
        finally:
            proxy.terminate()


def find(program: str) -> str:
    """Its path; the test is skipped without it.

    `make test` has to do on a machine with nothing but Python and make, and these come from no package of Python's:
    `make proxies` brings them, as root on Debian.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        # CI without root has no proxy, and no package of Python's brings one.
        pytest.skip(f"no {program}: `make proxies` brings it, as root on Debian")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def is_listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
