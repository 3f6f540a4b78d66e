"""Certificates for loopback from a CA of our own, the good ones and the bad, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "DNS:localhost,IP:127.0.0.1"
EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
# Python 3.13 checks strictly: a CA must say what its key is for, a leaf who signed it.
CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
commonName = x
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[nameless]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class Certs:
    """``ca``: what a client is to trust. ``server``: good. The others each have one fault."""

    ca: Path
    ca_key: Path
    server: Pair
    expired: Pair
    wrong_host: Pair
    unknown_ca: Pair
    self_signed: Pair


def make_certs(folder: Path) -> Certs:
    """All of them, in ``folder``; some 0.3 s."""
    authority = _authority(folder, "ca")
    stranger = _authority(folder, "stranger")
    return Certs(
        ca=authority.cert,
        ca_key=authority.key,
        server=_issue(folder, "server", authority),
        expired=_issue(folder, "expired", authority, until="20200201000000Z"),
        wrong_host=_issue(folder, "wrong_host", authority, names="DNS:elsewhere.example"),
        unknown_ca=_issue(folder, "unknown_ca", stranger),
        self_signed=_self_signed(folder, "self_signed", "server"),
    )


def make_bad_certs(folder: Path, ca: Pair) -> dict[str, Pair]:
    """More that must not be accepted, by what is wrong with them. ``ca`` signs them."""
    leaf = _issue(folder, "leaf", ca)
    between = _issue(folder, "between", ca, extensions="authority")
    rsa = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    return {
        "not yet valid": _issue(folder, "early", ca, since="20480101000000Z"),
        "for clients alone": _issue(folder, "client", ca, extensions="client"),
        "no name but the common one": _issue(folder, "nameless", ca, extensions="nameless"),
        "signed by one who is no authority": _issue(folder, "by_a_leaf", leaf),
        "its authority between is not sent": _issue(folder, "orphan", between),
        "a key of 1024 bits": _issue(folder, "weak", ca, algorithm=rsa),
        "signed with SHA-1": _issue(folder, "sha1", ca, digest="sha1"),
    }


def _authority(folder: Path, name: str) -> Pair:
    return _self_signed(folder, name, "authority")


def _self_signed(folder: Path, name: str, extensions: str) -> Pair:
    pair = _new_key(folder, name)
    _openssl(folder, "req", "-new", "-x509", "-days", "3650", "-subj", f"/CN={name}",
             "-extensions", extensions, "-key", str(pair.key), "-out", str(pair.cert))
    return pair


def _issue(
    folder: Path, name: str, authority: Pair, *, names: str = LOOPBACK,
    since: str = "20200101000000Z", until: str = "20490101000000Z", extensions: str = "server",
    digest: str = "sha256", algorithm: tuple[str, ...] = EC,
) -> Pair:
    pair = _new_key(folder, name, algorithm)
    request = folder / f"{name}.csr"
    _openssl(folder, "req", "-new", "-subj", f"/CN={name}", "-key", str(pair.key),
             "-out", str(request))
    (folder / "index.txt").write_text("")
    _openssl(folder, "ca", "-batch", "-notext", "-extensions", extensions, "-md", digest,
             "-in", str(request),
             "-cert", str(authority.cert), "-keyfile", str(authority.key),
             "-startdate", since, "-enddate", until, "-out", str(pair.cert),
             names=names)
    return pair


def _new_key(folder: Path, name: str, algorithm: tuple[str, ...] = EC) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl(folder, "genpkey", *algorithm, "-out", str(pair.key))
    return pair


def _openssl(folder: Path, command: str, *arguments: str, names: str = LOOPBACK) -> None:
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(folder=folder, names=names))
    takes_config = [] if command == "genpkey" else ["-config", str(config)]
    done = subprocess.run(["openssl", command, *takes_config, *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {command}: {done.stderr}"
