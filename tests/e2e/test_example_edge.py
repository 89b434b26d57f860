"""examples/edge as its page says: certificates by its script, both gateways, both kinds of certificates, a renewal."""
import os
import shutil
import ssl
import subprocess

import pytest
from certificates import SecureClient, client_context
from fixtures import TOP
from http_peer import free_ports, wait_until

GET = "GET /orders/17 HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Files:
    """Stands for an authority: whose certificate it is that clients believe."""

    def __init__(self, folder):
        self.folder, self.cert, self.key = folder, f"{folder}/ca.crt", None

    def pair(self, name):
        pair = Files(self.folder)
        pair.cert, pair.key = f"{self.folder}/{name}.crt", f"{self.folder}/{name}.key"
        return pair


@pytest.fixture
def edge(gateway, tmp_path):
    """The gateway at the edge, with .secure, .service (ports) and .files."""
    folder = shutil.copytree(os.path.join(TOP, "examples/edge"), tmp_path / "edge", ignore=shutil.ignore_patterns("certs"))
    files = Files(str(folder / "certs"))
    subprocess.run([folder / "certs.sh", files.folder], check=True, capture_output=True, timeout=60)
    secure, status, service = free_ports(3)

    def text(name):
        words = (folder / name).read_text().replace("certs/", files.folder + "/")
        for old, new in ((8443, secure), (8100, status), (9443, service)):
            words = words.replace(f":{old}", f":{new}")
        return words

    behind = gateway(text("orders.yaml"))
    one = gateway(text("openapi.yaml").replace(f":{service}", f":{behind.port}"))
    one.secure, one.service, one.files, one.renew = secure, behind.port, files, folder / "certs.sh"
    return one


def test_it_does_what_its_page_says(edge):
    answer = edge.ask(GET)
    assert (answer.status, answer["Location"]) == (308, f"https://localhost:{edge.secure}/orders/17")
    with SecureClient(edge.secure, client_context(edge.files)) as client:
        answer = client.ask(GET)
        assert (answer.status, answer.body) == (200, b'{"order":"17","sku":"cup-1"}')
        assert answer["Strict-Transport-Security"] == "max-age=86400"
    for ciphers, kind in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")):
        context = client_context(edge.files, ciphers=ciphers, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
        with SecureClient(edge.secure, context) as client:
            shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], check=True, timeout=60,
                                   input=client.sock.getpeercert(True), capture_output=True).stdout
            assert (b"id-ecPublicKey" if kind == "ec" else b"rsaEncryption") in shown


def test_the_service_behind_wants_a_certificate(edge):
    with SecureClient(edge.service, client_context(edge.files, edge.files.pair("edge-client")), "orders.internal") as client:
        assert client.ask(GET).status == 200
    with pytest.raises(OSError):
        with SecureClient(edge.service, client_context(edge.files), "orders.internal") as client:
            client.ask(GET)


def test_certificates_are_renewed_under_way(edge):
    def serial():
        with SecureClient(edge.secure, client_context(edge.files)) as client:
            assert client.ask(GET).status == 200
            return client.sock.getpeercert()["serialNumber"]
    before = serial()
    subprocess.run([edge.renew, edge.files.folder], check=True, capture_output=True, timeout=60)
    wait_until(lambda: serial() != before, "the new certificate", 60)
