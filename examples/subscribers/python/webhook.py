"""Is sent a feed: SECRET=whsec_… python3 webhook.py PORT FILE

The secret is what `POST /v1/subscriptions` answered. With the library `standardwebhooks`, `signed`
is one call.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from kept import Kept

secret = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
kept, keeping = Kept(sys.argv[2]), Lock()


def signed(headers, body):
    """Whether this comes from the hub, and lately."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    content = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    right = b"v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256))
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(right, one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_signed = signed(self.headers, body)
        if is_signed:
            with keeping:
                kept.add(json.loads(body))
        # After this answer the hub does not send it again.
        self.send_response(204 if is_signed else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
