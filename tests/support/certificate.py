# SPDX-License-Identifier: MPL-2.0
"""certificate - a certificate of the test's own, made by the openssl command: System (**certificate.make (folder))"""
import pathlib
import subprocess


def make (folder, names = "IP:127.0.0.1,DNS:api.codeforge.test", days = 2, name = "server"):
    """The settings that name it and its key; it is good for names."""
    folder = pathlib.Path (folder)
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run (["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                     "-days", str (days), "-subj", "/CN=codeforge.test", "-addext", f"subjectAltName={names}"], check = True, capture_output = True)
    key.chmod (0o600)
    return {"TLS_CERT": str (cert), "TLS_KEY": str (key)}
