# SPDX-License-Identifier: MPL-2.0
"""capture - what the broker shows to a sniffer, byte for byte: a subscriber in ZMTP 3.0 (rfc.zeromq.org/spec/23), without libzmq

    with Capture (system) as capture:
        ...
    capture.bytes
"""
import contextlib
import pathlib
import socket
import struct
import threading


class Capture:
    def __init__ (self, system):
        self.path = pathlib.Path (system.settings ["CODEFORGE_HOME"]) / "run/capture.sock"
        self.bytes = b""

    def __enter__ (self):
        self.socket = socket.socket (socket.AF_UNIX)
        self.socket.connect (str (self.path))
        self.socket.sendall (b"\xff" + bytes (8) + b"\x7f\x03\x00" + b"NULL".ljust (20, b"\0") + bytes (32))
        while len (self.bytes) < 64:
            self.receive ()
        ready = b"\x05READY\x0bSocket-Type" + struct.pack (">I", 3) + b"SUB"
        self.socket.sendall (bytes ((4, len (ready))) + ready + b"\x00\x01\x01")     # READY, and a subscription to everything
        while b"READY" not in self.bytes:
            self.receive ()
        self.thread = threading.Thread (target = self.listen, daemon = True)
        self.thread.start ()
        return self

    def __exit__ (self, *error):
        with contextlib.suppress (OSError):
            self.socket.shutdown (socket.SHUT_RDWR)
        self.thread.join ()
        self.socket.close ()

    def receive (self):
        some = self.socket.recv (1 << 16)
        self.bytes += some
        return some

    def listen (self):
        with contextlib.suppress (OSError):
            while self.receive ():
                pass
