"""The sites of the reference's examples, https://example.com and https://deb.example.com, on a fleet host itself."""

import tarfile
from pathlib import Path

from tests.fleet.debs import package_text
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import apply

# An authority of the host's own, whose certificate git, apt and Python take for both names.
CERTIFICATE = """
mkdir -p /srv/web/sites/example.com /srv/web/sites/deb.example.com && cd /srv/web
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.com \
  -addext 'subjectAltName=DNS:example.com,DNS:deb.example.com' -keyout key.pem -out certificate.pem 2>/dev/null
cp certificate.pem /usr/local/share/ca-certificates/example.crt && update-ca-certificates >/dev/null 2>&1
echo ADDRESS example.com deb.example.com >> /etc/hosts
"""
SERVER = """
import http.server, os, ssl

class Site(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        self.directory = os.path.join('/srv/web/sites', self.headers['Host'])
        return super().translate_path(path)

server = http.server.ThreadingHTTPServer(('ADDRESS', 443), Site)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/srv/web/certificate.pem', '/srv/web/key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
os.system('systemd-notify --ready')
server.serve_forever()
"""
SERVICE = """[Service]
Type=notify
NotifyAccess=all
ExecStart=python3 /srv/web/serve.py
[Install]
WantedBy=multi-user.target
"""
SITE = """
cd /srv/web/sites/example.com && echo app > app-1.2.tar.gz && sha256sum app-1.2.tar.gz > SHA256SUMS
git init -q work && cd work && git -c user.name=a -c user.email=a@test commit -q --allow-empty -m one && git tag v1.4
cd .. && git clone -q --bare work site.git && git -C site.git update-server-info
"""
# A repository as apt wants it: Packages below a signed InRelease, both by suite.
REPOSITORY = """
export GNUPGHOME=/srv/gnupg && mkdir -m 700 $GNUPGHOME && cd /srv/web/sites/deb.example.com
gpg --batch --quiet --passphrase '' --quick-generate-key example@test ed25519 sign never
mv /srv/debs pool && mkdir -p dists/bookworm/main/binary-amd64
for deb in pool/*.deb; do dpkg-deb --field $deb; echo Filename: $deb; echo Size: $(stat -c %s $deb)
  echo SHA256: $(sha256sum < $deb | cut -d' ' -f1); echo; done > dists/bookworm/main/binary-amd64/Packages
cd dists/bookworm && list=main/binary-amd64/Packages
{ echo Suite: bookworm; echo Components: main; echo Architectures: amd64; echo Date: $(date -Ru); echo SHA256:
  echo " $(sha256sum < $list | cut -d' ' -f1) $(stat -c %s $list) $list"; } > Release
gpg --batch --quiet --yes --clearsign --output InRelease Release && gpg --export --armor
"""


def set_up(fleet: Fleet, folder: Path) -> None:
    """Let the fleet's only host serve both sites, and put beside the policy what the examples take from there.

    There is an app, a site with a tag, `example-app`, and a kernel of the future whose package requires a reboot.
    """
    (host,) = fleet.hosts
    lay_out(folder)
    apply(fleet, folder, 'Package(["git", "gpg"])')
    (folder / "files" / "example.asc").write_text(_serve(host))


def lay_out(folder: Path) -> None:
    """Put beside the policy what the examples take from there, but for the key."""
    for name in ("templates", "files"):
        (folder / name).mkdir()
    (folder / "templates" / "app.conf.j2").write_text("workers = 4\n")
    with tarfile.open(folder / "files" / "site.tar.gz", "w:gz") as archive:
        archive.add(folder / "templates", "site-1.0")


def _serve(host: Host) -> str:
    """Serve both sites from the host itself, and return the key that signs the packages."""
    host.run(CERTIFICATE.replace("ADDRESS", host.address))
    host.run("cat > /srv/web/serve.py", input=SERVER.replace("ADDRESS", host.address))
    host.run("cat > /etc/systemd/system/web.service", input=SERVICE)
    host.run(SITE)
    # A package without a file of its own disappears when another one comes (dpkg).
    host.run(package_text("example-app", "1", configuration="app"))
    host.run("rm -r /srv/build")
    host.run(package_text("linux-image-amd64", "99", script="touch /run/reboot-required"))
    key = host.run(REPOSITORY).stdout
    host.run("systemctl enable --now web")
    return key
