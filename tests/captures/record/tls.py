"""Certificates made on the spot: an authority, good ones, an expired one, a self-signed one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = {
    "good": ("2024-01-15", "2025-01-14"),
    "selfsigned": ("2023-11-02", "2033-10-30"),
    "expired": ("2022-12-01", "2023-12-01"),
    "authority": ("2020-06-01", "2035-06-01"),
}


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


class Certificates:
    """Makes and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.made: dict[str, dict[str, str]] = {}
        self.authority_key = ec.generate_private_key(ec.SECP256R1())
        self.authority = self._make("Demo Root Authority", "Demo Trust Services", "authority", self.authority_key)
        (folder / "ca.crt").write_bytes(self.authority.public_bytes(serialization.Encoding.PEM))

    def _make(self, common: str, organisation: str, kind: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        subject = _name(common, organisation)
        alone = kind in ("authority", "selfsigned")
        begin, end = (datetime.fromisoformat(day) for day in VALID[kind])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if alone else self.authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=kind == "authority", path_length=None), critical=True)
        )
        if kind != "authority":
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False)
        return builder.sign(key if alone else self.authority_key, hashes.SHA256())

    def pair(self, name: str, kind: str = "good") -> tuple[Path, Path]:
        """Certificate and key files for a name."""
        public, private = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if name not in self.made:
            key = ec.generate_private_key(ec.SECP256R1())
            made = self._make(name, name.split(".")[-2].title(), kind, key)
            public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
            private.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
            self.made[name] = {
                "name": name,
                "kind": kind,
                "subject": made.subject.rfc4514_string(),
                "issuer": made.issuer.rfc4514_string(),
                "not_before": VALID[kind][0],
                "not_after": VALID[kind][1],
                "sha256": made.fingerprint(hashes.SHA256()).hex(),
            }
        return public, private
