"""Every operation of the document, called by every kind of caller: who is let in and who is not.

Who may is PLAN's `callers`, a table that knows nothing of the hub's: {"open": [OPERATION], "may": {"KINDS":
[OPERATION]}, "owners": {OPERATION: AGENCY'S KEY}, "own": [OPERATION]}. `open` asks for no key. Who is not among the
KINDS of an operation is refused it; an operation that stands nowhere is a fault. What the `own` operations are about
is the owner's, who gets it, and another agency does not.
"""

import re

#: What is shown by who shows nothing that holds, and what they are told.
UNKNOWN = {
    "none": "unauthenticated",
    "malformed": "unauthenticated",
    "wrong": "unauthenticated",
    "revoked": "unauthenticated",
    "expired": "key-expired",
}
#: In this order, so that what is ended is ended by whom it belongs to when others have tried who may not.
KINDS = ("reporting", "portal", "stranger", "agency", "operator")
#: Doors of a dialect, which tell of ended keys as of unknown ones.
DIALECT = ("lgsp", "dvcqg", "giveToken", "callSoap")
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    "<x/></s:Body></s:Envelope>"
)


def credentials(key):
    """The id and the secret that a key is made of."""
    parts = re.fullmatch(r"ltk_([^_]+)_(.+)", key or "")
    return parts.groups() if parts else ("x", "y")


def refused(name, answer):
    """401 or 403 where a caller is turned away for who they are, in whatever words; and the code."""
    if name.startswith("dvcqg"):
        code = str(answer.json()["error_code"])
        return {"-1": 401, "-2": 403}.get(code), code
    if name == "callSoap":
        code = re.search(r"<[^>]*Code>([a-z-]+)</", answer.text)
        code = code and code.group(1)
        return {"unauthenticated": 401, "forbidden": 403}.get(code), code
    if answer.status_code not in (401, 403):
        return None, None
    return answer.status_code, answer.json().get("code")


class Callers:
    def __init__(self, document, plan, call):
        self.document, self.plan, self.call = document, plan, call
        self.given, self.shown = {}, 0

    def asks(self, told, kind, owner):
        """What comes of a call by one kind of caller, in the form that its door takes keys in."""
        name = told["operation"]
        key = self.plan["keys"].get(owner if kind == "agency" else kind)
        # Attempts at a key are counted by where they come from: each comes from elsewhere.
        self.shown += 1
        far = f"198.51.{self.shown // 250}.{self.shown % 250 + 1}"
        told = {**told, "headers": {**told.get("headers", {}), "X-Forwarded-For": far}}
        user, secret = credentials(key)
        if name.startswith("giveToken"):
            form = f"grant_type=client_credentials&client_id={user}&client_secret={secret}"
            return self.call(self.document, self.plan, {**told, "body": form})
        if name.startswith("dvcqg"):
            login = {**told, "operation": "dvcqgLogin", "body": {"username": user, "password": secret}}
            answer = self.call(self.document, self.plan, login)
            if name == "dvcqgLogin":
                return answer
            call = {"session": answer.json().get("session") or "x", "service": "DongBoHoSoMC"}
            return self.call(self.document, self.plan, {**told, "body": call})
        if name == "sendAttachment":
            # Equal files would be everybody's.
            told["body"] += kind
        if name == "callSoap":
            told |= {"body": ENVELOPE, "path": {"channel": "so-cong-thuong.ho-so"}}
            told["headers"]["Content-Type"] = "text/xml"
        if key:
            told["headers"]["Authorization"] = f"Bearer {key}"
        return self.call(self.document, self.plan, told)

    def prepared(self):
        """What the typical calls leave behind; and of each operation the call that succeeds."""
        typical = {}
        for told in self.plan["calls"]:
            name, works = told["operation"], told.get("status", 500) < 300
            if works:
                typical.setdefault(name, {**told, "who": None})
            if told["who"] and not told.get("late") and "GIVEN" not in str(told):
                self.call(self.document, self.plan, told)
        return typical

    def faults(self, name, typical, may):
        table = self.plan["callers"]
        owner = table["owners"].get(name, "agency")
        place = self.document.operations[name][1].split("/")[2:3]
        told = typical.get(name, {"operation": name, "who": None})
        if place and place[0] in self.given and "{id}" in self.document.operations[name][1]:
            told = {**told, "path": {**told.get("path", {}), "id": self.given[place[0]]}}
        for kind in (*UNKNOWN, *KINDS):
            answer = self.asks(told, kind, owner)
            was, code = refused(name, answer)
            expected = None if may == "open" else 401 if kind in UNKNOWN else 403
            if may != "open" and kind in may.split():
                expected = None
            strange = kind == "stranger" and name in table["own"]
            if was != expected and not (strange and was == 403):
                yield f"{name} by {kind}: {was or 'let in'}, and not {expected or 'let in'}: {answer.text[:200]}"
            if was == 401 and not name.startswith(DIALECT) and code != UNKNOWN[kind]:
                yield f"{name} by {kind}: {code}, and not {UNKNOWN[kind]}"
            if strange and answer.status_code not in (403, 404, 422):
                yield f"{name}: what is another's is answered {answer.status_code}: {answer.text[:200]}"
            if kind == "agency" and name in table["own"] and answer.status_code >= 300:
                yield f"{name}: its owner has {answer.status_code}: {answer.text[:200]}"
            if "gives" in told and kind in ("portal", "agency") and answer.status_code == 201:
                self.given[place[0]] = answer.json()[told["gives"]]
            yield from self.document.faults(name, answer) if name != "streamFeed" else ()
            answer.close()


def faults_of(document, plan, call):
    """A line for each call that was let in or refused otherwise than the table has it."""
    table = plan["callers"]
    listed = [(name, "open") for name in table["open"]]
    listed += [(name, may) for may, names in table["may"].items() for name in names]
    who = dict(listed)
    for name in sorted({*document.operations} ^ {*who}):
        yield f"{name}: `callers` and the document do not both have it"
    if len(listed) != len(who):
        yield "`callers` has something twice"
    callers = Callers(document, plan, call)
    typical = callers.prepared()
    # What ends things comes last.
    names = sorted(document.operations, key=lambda name: document.operations[name][0] == "delete")
    for name in names:
        if name in who:
            yield from callers.faults(name, typical, who[name])
