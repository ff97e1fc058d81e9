"""An upstream at https://upstream.test, whose name a resolver on 127.0.0.1 knows, and whose certificate an authority of its own
has signed. It refuses every key."""

import http.server
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

NAME = "upstream.test"
REFUSAL = b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'


class Upstream:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.calls = 0
        at = lambda name: os.path.join(self.folder.name, name)
        self.authority, self.config, self.resolver, self.nothing = at("authority.pem"), at("config.toml"), at("resolv.conf"), at("nothing")
        os.mkdir(self.nothing)
        certificates(at)
        self.names = Names()
        self.serve(at)
        port = self.server.server_address[1]
        with open(self.resolver, "w") as file:
            file.write("nameserver 127.0.0.1\n")
        with open(self.config, "w") as file:
            file.write(f'[log]\nformat = "json"\n[[upstreams]]\nname = "main"\nkind = "anthropic"\nbase_url = "https://{NAME}:{port}"\napi_key = "k"\nmodel = "claude-sonnet-5-5"\n')
        return self

    def serve(self, at):
        upstream = self

        class Refusing(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                upstream.calls += 1
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(401)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(REFUSAL)))
                self.end_headers()
                self.wfile.write(REFUSAL)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        # Who refuses the certificate ends the handshake, which is no fault of the server's.
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(at("server.pem"), at("server.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.server.shutdown()
        self.names.stop()
        self.folder.cleanup()


def certificates(at):
    openssl = lambda *arguments: subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", at("authority.key"), "-out", at("authority.pem"), "-days", "2", "-subj", "/CN=An authority of the test", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", f"/CN={NAME}")
    with open(at("server.ext"), "w") as file:
        file.write(f"subjectAltName=DNS:{NAME}\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", at("server.csr"), "-CA", at("authority.pem"), "-CAkey", at("authority.key"), "-CAcreateserial", "-out", at("server.pem"), "-days", "2", "-extfile", at("server.ext"))


class Names:
    """Answers questions for NAME's IPv4 address, and says of everything else that it has none."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.answer, daemon=True)
        self.thread.start()

    def answer(self):
        while True:
            question, sender = self.socket.recvfrom(512)
            if not question:
                return
            end = question.index(b"\0", 12) + 5
            asked, kind = question[12 : end - 4], struct.unpack("!H", question[end - 4 : end - 2])[0]
            wanted = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split(".")) + b"\0"
            is_known = asked.lower() == wanted
            answers = is_known and kind == 1
            head = question[:2] + struct.pack("!HHHHH", 0x8180 if is_known else 0x8183, 1, int(answers), 0, 0)
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton("127.0.0.1")
            self.socket.sendto(head + question[12:end] + (record if answers else b""), sender)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"", ("127.0.0.1", 53))
        self.thread.join()
        self.socket.close()
