"""A certificate authority of the twin's own, and the certificate its servers show. By openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DAYS = "3650"
# Python 3.13 checks strictly: a CA must say what its key is for, a leaf who signed it.
_CONFIG = """\
[req]
distinguished_name = name
[name]
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
"""


class AuthorityError(Exception):
    """No certificate could be made; one line that says why and how to mend it."""


@dataclass(frozen=True)
class Certificates:
    """PEM files. ``ca``: what a client is to trust; ``cert`` and ``key``: what the servers use."""

    ca: Path
    cert: Path
    key: Path


def certificates(folder: Path, names: Sequence[str] = ()) -> Certificates:
    """Those in ``folder``; the authority is made when there is none yet, so that it may be
    trusted over many runs. The server's certificate is new each time, for loopback and ``names``
    (host names or addresses). Raises AuthorityError.
    """
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    made = Certificates(ca, folder / "server.pem", folder / "server.key")
    config = folder / "openssl.cnf"
    config.write_text(_CONFIG.format(names=_alternatives(names)), encoding="utf-8")
    openssl = _program()
    if not (ca.exists() and ca_key.exists()):
        _new_key(openssl, ca_key)
        _run([openssl, "req", "-x509", "-new", "-config", str(config), "-extensions", "authority",
              "-days", _DAYS, "-subj", "/CN=cht-twin", "-key", str(ca_key), "-out", str(ca)])
    request = folder / "server.csr"
    _new_key(openssl, made.key)
    _run([openssl, "req", "-new", "-config", str(config), "-subj", "/CN=localhost",
          "-key", str(made.key), "-out", str(request)])
    _run([openssl, "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key),
          "-CAcreateserial", "-days", _DAYS, "-extfile", str(config), "-extensions", "server",
          "-out", str(made.cert)])
    return made


def _alternatives(names: Sequence[str]) -> str:
    own = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
    return ",".join([*own, *(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)])


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def _new_key(openssl: str, path: Path) -> None:
    # Private from its first moment, whatever openssl's own habits are.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    _run([openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
          "-out", str(path)])


def _program() -> str:
    found = shutil.which("openssl")
    if found is None:
        raise AuthorityError("openssl is not installed: sudo apt install openssl")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 (a fixed program, no shell)
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise AuthorityError(f"openssl {command[1]} failed: {said[-1] if said else 'no reason'}")
