"""Authorities and certificates of our own, made by openssl."""

import subprocess
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def authority(folder: Path, name: str) -> None:
    """Make `name.crt` and `name.key`, which may sign certificates."""
    subject = ("-subj", f"/CN={name}", "-days", "3", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    _openssl(folder, "req", "-x509", *_CURVE, *subject)


def certificate(folder: Path, signer: str, address: str, name: str = "server") -> None:
    """Make `name.crt` and `name.key` for an address, signed by an authority of this folder."""
    request = ("-subj", "/CN=server", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    _openssl(folder, "req", *_CURVE, *request)
    (folder / "names").write_text(f"subjectAltName={address}\n")
    signed = ("-CA", f"{signer}.crt", "-CAkey", f"{signer}.key", "-CAcreateserial", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-days", "3", *signed, "-out", f"{name}.crt")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)
