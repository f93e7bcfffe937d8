"""The portal's own server: gives the page, and asks the hub on its behalf with the portal's key.

    HUB=http://127.0.0.1:8080 PORTAL_KEY_FILE=portal.key python3 server.py [PORT]

The key stays here. A browser may ask for what stands in `GET`, `POST` and `DELETE` below, and for
nothing else; what comes back is the hub's answer, its problems included. Python 3.11, nothing else.
"""

import http.client
import json
import mimetypes
import os
import re
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

PAGE = Path(__file__).resolve().parent / "page"
HUB = urlsplit(os.environ.get("HUB", "http://127.0.0.1:8080"))
KEY_FILE = Path(os.environ.get("PORTAL_KEY_FILE", "portal.key"))
# Reverse proxies of one's own that stand before this server, with commas between.
PROXIES = set(filter(None, os.environ.get("TRUSTED_PROXIES", "").split(",")))

BODY_BYTES_MAX = 64 * 1024
HUB_SECONDS = 20
STREAMS_MAX = 500
# What one address may write within a minute; look-ups are limited by the hub.
FEEDBACK_MAX, FEEDBACK_SECONDS = 10, 60
# For so long feedback that is sent again is known.
AGAIN = timedelta(hours=1)
# For how many days a page follows a dossier: as long as one leaves it open, and no longer.
WATCH_DAYS = 1

# The browser's address, the hub's, and the parameters that may go along.
GET = [
    (r"/api/procedures", "/v1/procedures",
     {"q", "agency", "field", "level", "online_level", "limit", "cursor"}),
    (r"/api/procedures/([^/]{1,100})", "/v1/procedures/{}", set()),
    (r"/api/agencies", "/v1/agencies", {"on", "limit", "cursor"}),
    (r"/api/on-time", "/v1/statistics", {"from", "to"}),
]
POST = {"/api/lookups": "/v1/lookups", "/api/watches": "/v1/watches",
        "/api/feedback": "/v1/feedback"}
DELETE = (r"/api/watches/([0-9a-f]{32})", "/v1/watches/{}")

# Everything that the page uses is its own.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
PASSED_ON = ("Content-Type", "ETag", "Retry-After", "X-Request-Id", "X-Journal-Position")

written = {}  # address → when it wrote
said_at = {}  # what was said of late → when: sent again it must be the same
writing = threading.Lock()
streams = threading.BoundedSemaphore(STREAMS_MAX)


def problem(status, code, title, title_en, **more):
    """An answer of this server's own, in the form that the hub's have."""
    members = {"status": status, "code": code, "title": title, "title_en": title_en, **more}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(members).encode()


UNREACHABLE = problem(502, "hub-unreachable", "Hệ thống chưa trả lời.",
                      "The system does not answer.")
NO_ROUTE = problem(404, "no-such-address", "Địa chỉ này không có.", "There is no such address.")
NO_PERIOD = problem(422, "no-such-period", "Chọn cả năm, hoặc một năm đến hôm nay.",
                    "Choose a whole year, or the year that ends today.")
NO_JSON = problem(415, "not-json", "Gửi JSON.", "Send JSON.")
TOO_LARGE = problem(413, "payload-too-large", "Nội dung quá dài.", "The content is too long.")
TOO_OFTEN = problem(429, "too-often", "Đã gửi quá nhiều lần.", "That was sent too often.")
NOTHING_SAID = problem(422, "nothing-said", "Chưa có điểm, cũng chưa có nội dung.",
                       "There is neither a rating nor a text.")
BUSY = problem(503, "crowded", "Đang có quá nhiều người theo dõi.", "Too many are following.")


def connect(seconds=HUB_SECONDS):
    kind = http.client.HTTPSConnection if HUB.scheme == "https" else http.client.HTTPConnection
    return kind(HUB.hostname, HUB.port, timeout=seconds)


def headers_for(citizen, **more):
    """What every call to the hub says: the key, read anew for it may be rotated, and who asks."""
    key = KEY_FILE.read_text().strip()
    return {"Authorization": f"Bearer {key}", "X-Forwarded-For": citizen, **more}


def ask(method, address, citizen, body=None, **more):
    """The hub's answer: status, the headers to pass on, body."""
    connection = connect()
    try:
        connection.request(method, address, body, headers_for(citizen, **more))
        answer = connection.getresponse()
        headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        link = answer.headers.get("Link", "")
        if link.startswith("</v1/"):  # the next page, as the browser may ask for it
            headers["Link"] = "</api/" + link[len("</v1/"):]
        return answer.status, headers, answer.read()
    except (OSError, http.client.HTTPException):
        return UNREACHABLE
    finally:
        connection.close()


def is_period(asked):
    """Whether a page asks for these days: a whole year, or the year that ends today. Who could choose
    any would subtract one period from another, and see what the hub leaves out for it is of few."""
    first, last = (asked.get(name, [""])[0] for name in ("from", "to"))
    if re.fullmatch(r"\d{4}-01-01", first):
        return last == f"{first[:4]}-12-31"
    now = datetime.now(timezone(timedelta(hours=7)))
    for today in (now, now - timedelta(minutes=5)):  # midnight may pass on the way
        day = f"{today:%m-%d}"
        before = f"{today.year - 1}-" + day.replace("02-29", "02-28")
        if (first, last) == (before, f"{today.year}-{day}"):
            return True
    return False


def figures(row):
    """What the hub tells of one row of numbers: `None` where it leaves something out."""
    measures, hidden = row["measures"], row.get("suppressed", [])
    n = {name: None if name in hidden else measures.get(name, 0) for name in
         ("finished-early", "finished-on-time", "finished-late", "open", "overdue")}
    ended = [n[f"finished-{how}"] for how in ("early", "on-time", "late")]
    return {"finished": None if None in ended else sum(ended), "early": ended[0],
            "on_time": ended[1], "late": ended[2], "open": n["open"], "overdue": n["overdue"]}


def on_time(text, citizen):
    """Numbers by agency for everybody, and the hub's own sum of them all: what is left out of rows
    is counted there."""
    told = json.loads(text)
    asked = urlencode({name: told[name] for name in ("from", "to", "as_of")})
    status, headers, whole = ask("GET", f"/v1/statistics?{asked}", citizen)
    if status != 200:
        return status, headers, whole
    whole = json.loads(whole)["rows"] or [{"measures": {}}]
    kept = ("from", "to", "as_of", "suppressed_below")
    return 200, {}, json.dumps({
        **{name: told[name] for name in kept if name in told}, "total": figures(whole[0]),
        "rows": [{"agency": row["agency"], **figures(row)} for row in told["rows"]]}).encode()


def may_write(citizen):
    """Whether this address has not written too often of late."""
    now = time.monotonic()
    with writing:
        for address in [one for one, times in written.items() if now - times[-1] > FEEDBACK_SECONDS]:
            del written[address]
        times = [one for one in written.get(citizen, []) if now - one <= FEEDBACK_SECONDS]
        if len(times) >= FEEDBACK_MAX:
            return False
        written[citizen] = times + [now]
        return True


def first_said(key):
    """When this was said for the first time."""
    now = datetime.now(timezone.utc)
    with writing:
        for one in [one for one, at in said_at.items() if now - at > AGAIN]:
            del said_at[one]
        return said_at.setdefault(key, now).isoformat(timespec="milliseconds")


def feedback(body, citizen):
    """Hands feedback on under the name that the page gave it: sent twice, it is there once."""
    try:
        said = json.loads(body)
        key = said.pop("key")
        if not re.fullmatch("[0-9a-f]{32}", key):
            return NO_JSON
    except (ValueError, KeyError, TypeError, AttributeError):
        return NO_JSON
    if not said.get("rating") and not said.get("text"):
        return NOTHING_SAID
    said |= {"id": f"portal-{key}", "submitted_at": first_said(key)}
    if not may_write(citizen):
        status, headers, text = TOO_OFTEN
        return status, {**headers, "Retry-After": str(FEEDBACK_SECONDS)}, text
    # The message has the feedback's own name: what the receipt tells is what one can ask for.
    more = {"Idempotency-Key": said["id"], "Content-Type": "application/json"}
    return ask("POST", POST["/api/feedback"], citizen, json.dumps(said).encode(), **more)


def watch(body, citizen):
    """Lets who shows to be a dossier's applicant follow it: the hub names the watch, and ends it."""
    try:
        facts = {**json.loads(body), "days": WATCH_DAYS}
    except (ValueError, TypeError):
        return NO_JSON
    return ask("POST", POST["/api/watches"], citizen, json.dumps(facts).encode())


def has_ended(name, citizen):
    """Whether a watch is none, or none any more; where the hub is away nobody knows."""
    if not re.fullmatch("[0-9a-f]{32}", name):
        return True
    return ask("GET", f"/v1/watches/{name}", citizen)[0] == 404


def public(data, only):
    """What everybody may see of a change: where, and what it is now; not whose. By one watch alone
    for who follows by that; nothing then of others."""
    told = json.loads(data).get("data", {})
    if only and told.get("watch") != only:
        return None
    return json.dumps({name: told.get(name) for name in ("agency", "status")})


class Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/api/events":
            asked = parse_qs(url.query)
            only, after = (asked.get(name, [""])[0] for name in ("watch", "after"))
            if only and has_ended(only, self.citizen()):
                return self.reply(*NO_ROUTE)
            self.follow(only, after if re.fullmatch("[0-9a-f]+", after) else "end")
        elif url.path.startswith("/api/"):
            self.reply(*self.read(url))
        else:
            self.file(url.path)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True  # what it brings is not read
            return self.reply(*TOO_LARGE)
        body = self.rfile.read(int(length))
        # No form of another site can send this without asking first, and asking is not answered.
        if self.headers.get_content_type() != "application/json":
            return self.reply(*NO_JSON)
        if self.path == "/api/lookups":
            return self.reply(*ask("POST", POST[self.path], self.citizen(), body))
        if self.path == "/api/watches":
            return self.reply(*watch(body, self.citizen()))
        if self.path == "/api/feedback":
            return self.reply(*feedback(body, self.citizen()))
        return self.reply(*NO_ROUTE)

    def do_DELETE(self):
        self.close_connection = True  # what else it may bring is not read
        pattern, address = DELETE
        found = re.fullmatch(pattern, self.path)
        if not found:
            return self.reply(*NO_ROUTE)
        return self.reply(*ask("DELETE", address.format(found[1]), self.citizen()))

    def citizen(self):
        """Whose address it is: the hub counts look-ups by it."""
        peer = self.client_address[0]
        told = self.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        return told if peer in PROXIES and told else peer

    def read(self, url):
        """What the hub says to a question, if it is one that a browser may ask."""
        for pattern, address, known in GET:
            found = re.fullmatch(pattern, url.path)
            if not found:
                continue
            asked = parse_qs(url.query, keep_blank_values=False)
            query = [(name, asked[name][0]) for name in sorted(known & asked.keys())]
            if address == "/v1/statistics":
                if not is_period(asked):
                    return NO_PERIOD
                query.append(("by", "agency"))
            address = address.format(*found.groups()) + ("?" + urlencode(query) if query else "")
            known_tag = self.headers.get("If-None-Match")
            more = {"If-None-Match": known_tag} if known_tag else {}
            status, headers, text = ask("GET", address, self.citizen(), **more)
            if url.path == "/api/on-time" and status == 200:
                status, other, text = on_time(text, self.citizen())
                headers = other if status != 200 else headers
            # A browser asks again each time, and mostly hears that nothing has changed.
            return status, {**headers, "Cache-Control": "no-cache"}, text
        return NO_ROUTE

    def file(self, path):
        """A file of the page."""
        file = (PAGE / path.lstrip("/")).resolve() if path != "/" else PAGE / "index.html"
        if PAGE not in file.parents or not file.is_file():
            return self.reply(*NO_ROUTE)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        return self.reply(200, {"Content-Type": kind, "Cache-Control": "no-cache",
                                "Content-Security-Policy": POLICY}, file.read_bytes())

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if self.close_connection:  # told, or the next question meets a line that is being shut
            self.send_header("Connection", "close")
        has_body = status not in (204, 304)
        if has_body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            self.wfile.write(body)

    def follow(self, only, after):
        """The hub's stream of dossiers for a browser, whose EventSource sends no key; or of what
        is told by the watch `only`.

        It goes on where the browser was: the ids are the hub's own cursors. A browser gives up at
        any answer but 200, so where the hub is away this is an empty stream, and it comes again.
        """
        if not streams.acquire(blocking=False):
            return self.reply(*BUSY)
        self.close_connection = True
        connection = connect()
        try:
            last = self.headers.get("Last-Event-ID")
            more = {"Last-Event-ID": last} if last else {}
            feed = "notices" if only else "dossiers"
            address = f"/v1/feeds/{feed}/stream" + ("" if last else f"?after={after}")
            answer = None
            try:
                connection.request("GET", address, headers=headers_for(self.citizen(), **more))
                answer = connection.getresponse()
            except (OSError, ValueError, http.client.HTTPException):
                pass  # the hub is away, or what the browser sent is no header
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"retry: 2000\n\n")
            if answer and answer.status == 200:
                self.relay(answer, only)
            elif answer and answer.status in (400, 410):
                # Nothing follows that place any more: the page reads all anew, from now on.
                self.wfile.write(b"event: lost\nid\ndata\n\n")
        except (OSError, http.client.HTTPException):
            pass  # either side has gone
        finally:
            connection.close()
            streams.release()

    def relay(self, answer, only):
        for line in answer:
            if line.startswith(b"data:"):
                told = public(line[len(b"data:"):], only)
                if told is None:
                    continue  # an event without data is none; its id is kept all the same
                line = b"data: " + told.encode() + b"\n"
            self.wfile.write(line)

    def log_message(self, *_):
        pass  # addresses have what people look for; a portal logs elsewhere, and less


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a browser that goes is no fault
            super().handle_error(request, client_address)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8081
    Server(("127.0.0.1", port), Portal).serve_forever()
