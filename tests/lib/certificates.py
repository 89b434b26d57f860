"""Certificates for tests, made by the openssl command line, and both ends of TLS in Python."""
import os
import socket
import ssl
import subprocess

from http_peer import Origin, RawClient, WAIT, Wire


def openssl(*args, data=None):
    done = subprocess.run(["openssl", *args], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    @property
    def text(self):
        with open(self.cert) as file:
            return file.read()


class Authority:
    """Signs certificates in a folder of its own."""

    def __init__(self, folder, name="Test CA"):
        self.folder, self.count = folder, 0
        os.makedirs(folder, exist_ok=True)
        self.cert, self.key = self.path("ca.crt"), self.path("ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)
        with open(self.path("index.txt"), "w"):
            pass
        with open(self.path("crlnumber"), "w") as file:
            file.write("01\n")
        with open(self.path("ca.cnf"), "w") as file:
            file.write(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {self.path('index.txt')}\n"
                       f"crlnumber = {self.path('crlnumber')}\ndefault_md = sha256\ndefault_crl_days = 10\n"
                       f"certificate = {self.cert}\nprivate_key = {self.key}\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, *sans, kind="ec", days=10, signer=None):
        """A pair for that common name and these subjectAltNames; negative days: it has expired."""
        self.count += 1
        base = self.path(f"{self.count}")
        pair = Pair(base + ".crt", base + ".key")
        what = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-newkey", *what, "-nodes", "-keyout", pair.key, "-out", base + ".csr", "-subj", f"/CN={name}")
        with open(base + ".ext", "w") as file:
            file.write("subjectAltName=" + ",".join(sans or (f"DNS:{name}",)) + "\n")
        openssl("x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", base + ".ext", "-out", pair.cert)
        return pair

    def revoke(self, *pairs):
        """The list of those that are revoked, as a file."""
        for pair in pairs:
            openssl("ca", "-config", self.path("ca.cnf"), "-revoke", pair.cert)
        openssl("ca", "-config", self.path("ca.cnf"), "-gencrl", "-out", self.path("crl.pem"))
        return self.path("crl.pem")

    def ocsp(self, pair):
        """A response in DER that says that the certificate is good."""
        serial = openssl("x509", "-in", pair.cert, "-noout", "-serial").decode().strip().split("=")[1]
        with open(self.path("index.txt"), "a") as file:
            file.write(f"V\t401231235959Z\t\t{serial}\tunknown\t/CN=x\n")
        out = self.path("ocsp.der")
        openssl("ocsp", "-index", self.path("index.txt"), "-CA", self.cert, "-rsigner", self.cert, "-rkey", self.key,
                "-issuer", self.cert, "-cert", pair.cert, "-respout", out, "-ndays", "3", "-noverify")
        return out


def client_context(authority=None, pair=None, versions=None, ciphers=None, alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority:
        context.load_verify_locations(authority.cert)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if versions:
        context.minimum_version, context.maximum_version = versions
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class SecureClient(RawClient):
    """RawClient over TLS."""

    def __init__(self, port, context, name="localhost", session=None):
        super().__init__(port)
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=name, session=session,
                                            suppress_ragged_eofs=False)
        except BaseException:
            self.sock.close()
            raise
        self.wire = Wire(self.sock)


def secure_listener(pair, authority=None, tune=None):
    """A listening socket that speaks TLS; with an authority it asks for certificates of clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    if authority:
        context.load_verify_locations(authority.cert)
        context.verify_mode = ssl.CERT_REQUIRED
    if tune:
        tune(context)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)


class SecureOrigin(Origin):
    """Origin over TLS."""

    def __init__(self, pair, authority=None, tune=None, **more):
        super().__init__(listener=secure_listener(pair, authority, tune), **more)
        self.url = f"https://localhost:{self.port}"


__all__ = ["Authority", "Pair", "SecureClient", "SecureOrigin", "client_context", "openssl", "WAIT"]
