"""Holds a hub to the description that it gives of itself.

openapi.py valid URL                 whether the document is one of OpenAPI 3.1
openapi.py answers URL PLAN          calls it, and holds each answer to the document
openapi.py matrix URL PLAN           calls everything as every kind of caller (matrix.py)
openapi.py strange URL KEY EXAMPLES SEED PHASES  calls it as no client would (schemathesis)

PLAN is a file: {"keys": {WHO: KEY}, "named": {OPERATION: {PARAMETER: VALUE}}, "calls": [{"operation",
"who", "path", "query", "body" or "file", "headers", "status"}], "own": {"marks", "shown_by"}}. Marks are texts
that stand in answers of `shown_by` for who is `agency`, and in none for the agency `stranger`, which may do
nothing to what is the other's either. Prints, by operation, the statuses that came; ends with 1 and a line for
each fault.
"""

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

METHODS = ("get", "post", "delete")
#: Headers that may not come where the document does not tell of them.
TOLD = ("ETag", "X-Journal-Position", "Link", "Retry-After", "Location", "WWW-Authenticate")


class Document:
    """The document, with what is needed to hold answers to it."""

    def __init__(self, url):
        self.url = url
        self.whole = requests.get(f"{url}/openapi.json", timeout=10).json()
        self.operations = {}
        for path, item in self.whole["paths"].items():
            for method in METHODS:
                if method in item:
                    told = item[method]
                    self.operations[told["operationId"]] = (method, path, told)
        self.validators = {}

    def at(self, reference):
        found = self.whole
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return found

    def closed(self, schema, within=False):
        """The schema, with no member beside those that it names; contracts close themselves."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            if ".v" in name or name == "Problem" or "/$defs/" in schema["$ref"]:
                return schema
            return self.closed(self.at(schema["$ref"]), within)
        schema = copy.copy(schema)
        for member in ("oneOf", "anyOf", "prefixItems"):
            if member in schema:
                schema[member] = [self.closed(one, within) for one in schema[member]]
        for member in ("items", "additionalProperties"):
            if isinstance(schema.get(member), dict):
                schema[member] = self.closed(schema[member])
        if "properties" in schema:
            properties = schema["properties"].items()
            schema["properties"] = {name: self.closed(one) for name, one in properties}
        if "allOf" in schema:
            schema["allOf"] = [self.closed(one, True) for one in schema["allOf"]]
        if within:
            if schema.get("additionalProperties") is False:
                del schema["additionalProperties"]
        elif "allOf" in schema or "properties" in schema and "additionalProperties" not in schema:
            schema["unevaluatedProperties"] = False
        return schema

    def validator(self, key, schema):
        if key not in self.validators:
            both = [schema, self.closed(schema)]
            whole = {"components": self.whole["components"], "allOf": both}
            self.validators[key] = Draft202012Validator(whole)
        return self.validators[key]

    def faults(self, name, answer):
        """What of an answer is not as the document has it."""
        _, _, operation = self.operations[name]
        status = str(answer.status_code)
        told = operation["responses"].get(status)
        if told is None:
            yield f"{name}: {status} is not documented: {answer.text[:300]}"
            return
        for header in TOLD:
            if header in answer.headers and header not in told.get("headers", {}):
                yield f"{name} {status}: the header {header} is not documented"
        media_type = answer.headers.get("Content-Type")
        content = told.get("content", {})
        if media_type is None or not answer.content:
            # Of nothing there is no line.
            if content and "ndjson" not in (media_type or ""):
                yield f"{name} {status}: there is no body"
            return
        if media_type not in content and "*/*" not in content:
            yield f"{name} {status}: {media_type} is not documented"
            return
        if not is_json(media_type):
            return
        schema = content.get(media_type, {}).get("schema", {})
        for fault in self.validator((name, status, media_type), schema).iter_errors(answer.json()):
            deepest = fault
            while deepest.context:
                deepest = max(deepest.context, key=lambda one: len(one.absolute_path))
            place = "/".join(str(step) for step in deepest.absolute_path)
            yield f"{name} {status} at {place}: {deepest.message[:400]}"


def is_json(media_type):
    """Lines of JSON are none."""
    return "json" in media_type and "ndjson" not in media_type


def valid(url):
    document = requests.get(f"{url}/openapi.json", timeout=10).json()
    faults = list(OpenAPIV31SpecValidator(document).iter_errors())
    for fault in faults:
        print("/".join(str(step) for step in fault.absolute_path), fault.message[:400])
    return not faults


def calls_of(document, plan):
    """Every address that is read, for everybody; then what is posted."""
    posted = plan.get("calls", [])
    early = [call for call in posted if not call.get("late")]
    late = [call for call in posted if call.get("late")]
    yield from early
    for name, (method, _, operation) in document.operations.items():
        if method != "get" or name in ("streamFeed", "describeSoap"):
            continue
        for who in plan["keys"]:
            yield {"operation": name, "who": who}
        if not operation.get("security") == [{}]:
            yield {"operation": name, "who": None, "status": 401}
            yield {"operation": name, "who": "operator", "query": {"không-có": "1"}}
    yield from late


def call(document, plan, told):
    name = told["operation"]
    method, path, operation = document.operations[name]
    named = {**plan["named"].get(name, {}), **told.get("path", {})}
    is_told = "query" in told
    query = dict(told.get("query", {}))
    for one in operation.get("parameters", []):
        example = named.get(one["name"], one.get("example"))
        if example == "GIVEN":
            example = plan["given"]
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", quote(str(example), safe=""))
        elif one["in"] == "query" and (one["required"] or one["name"] in named) and not is_told:
            query[one["name"]] = example or one["schema"].get("enum", ["x"])[0]
    address = f"{document.url}{path}" + (f"?{urlencode(query)}" if query else "")
    headers = dict(told.get("headers", {}))
    if told.get("who"):
        headers["Authorization"] = f"Bearer {plan['keys'][told['who']]}"
    body = told.get("body")
    if "file" in told:
        body = Path(told["file"]).read_bytes()
    if isinstance(body, (dict, list)):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    body = body.encode() if isinstance(body, str) else body
    streams = name == "streamFeed"
    return requests.request(
        method, address, headers=headers, data=body, timeout=20, allow_redirects=False, stream=streams
    )


class Ownership:
    """What is one agency's is shown to no other, and touched by none."""

    def __init__(self, document, plan):
        self.document, self.plan = document, plan
        self.marks, self.expected = plan["own"]["marks"], set(plan["own"]["shown_by"])
        self.shown = set()

    def touched(self, told):
        """Another agency's try at what is done to something that is there."""
        method, path, _ = self.document.operations[told["operation"]]
        if method != "get" and told["who"] == "agency" and "{" in path and told["status"] < 300:
            answer = call(self.document, self.plan, {**told, "who": "stranger"})
            # A message to what is not theirs is refused as a whole.
            if answer.status_code not in (403, 404, 422):
                yield f"{told['operation']}: a stranger has {answer.status_code}: {answer.text[:200]}"

    def seen(self, told, answer):
        """Whether an answer shows what is the agency's own, and whom it may not."""
        if self.document.operations[told["operation"]][2].get("security") == [{}]:
            return
        marks = [mark for mark in self.marks if mark in answer.text]
        if answer.status_code < 300 and marks:
            if told["who"] == "agency":
                self.shown.add(told["operation"])
            if told["who"] == "stranger":
                yield f"{told['operation']}: a stranger is shown {marks}: {answer.text[:300]}"

    def hidden(self):
        """Calls that do not show it to the agency itself: then nothing is proved of them."""
        for name in sorted(self.shown ^ self.expected):
            yield f"{name}: `own.shown_by` is not what is shown"


def answers(url, plan):
    document = Document(url)
    plan = json.loads(Path(plan).read_text())
    faults, statuses, kept = [], {}, {}
    own = Ownership(document, plan)
    for told in calls_of(document, plan):
        faults.extend(own.touched(told))
        answer = call(document, plan, told)
        faults.extend(own.seen(told, answer))
        name, status = told["operation"], answer.status_code
        statuses.setdefault(name, {}).setdefault(str(status), 0)
        statuses[name][str(status)] += 1
        faults.extend(document.faults(name, answer))
        if status not in (told.get("status", status), None):
            faults.append(f"{name}: {status}, and not {told['status']}: {answer.text[:300]}")
        if "không-có" in told.get("query", {}) and answer.status_code == 400:
            parameters = document.operations[name][2].get("parameters", [])
            taken = {one["name"] for one in parameters if one["in"] == "query"}
            advice = answer.json()["advice_en"].removeprefix("Parameters taken here: ").rstrip(".")
            if taken != {one for one in advice.split(", ") if one}:
                faults.append(f"{name}: {sorted(taken)} are documented, {advice} are taken")
        if "gives" in told:
            # The name of what is made now, which later calls have as GIVEN.
            plan["given"] = answer.json().get(told["gives"])
        if is_json(answer.headers.get("Content-Type", "")):
            kept.setdefault(name, {}).setdefault(str(status), []).append(answer.json())
        etag = answer.headers.get("ETag")
        if told["who"] and status == 200 and etag and "304" in document.operations[name][2]["responses"]:
            again = call(document, plan, {**told, "headers": {"If-None-Match": etag}})
            faults.extend(document.faults(name, again))
    faults.extend(own.hidden())
    if len(sys.argv) > 4:
        Path(sys.argv[4]).write_text(json.dumps(kept, ensure_ascii=False))
    for fault in sorted(set(faults)):
        print(fault)
    if not faults:
        print(json.dumps(statuses))
    return not faults


def matrix(url, plan):
    from matrix import faults_of

    faults = list(faults_of(Document(url), json.loads(Path(plan).read_text()), call))
    print("\n".join(faults))
    return not faults


#: A stream does not end; SOAP 1.1 has the status 500 for faults that are the caller's.
LEFT_OUT = ("streamFeed", "callSoap")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def strange(url, key, examples, seed, phases):
    program = Path(sys.executable).with_name("schemathesis")
    settings = Path(__file__).resolve().with_name("strange.toml")
    arguments = [program, "--config-file", settings, "run", f"{url}/openapi.json"]
    arguments += ["--checks", ",".join(CHECKS)]
    arguments += ["--max-examples", examples, "--seed", seed, "--no-color", "--warnings", "off"]
    arguments += ["--phases", phases, "--request-timeout", "20"]
    arguments += ["--suppress-health-check", "all", "--continue-on-failure", "--no-shrink"]
    arguments += ["--generation-database", "none", "--workers", "2"]
    for name in LEFT_OUT:
        arguments += ["--exclude-operation-id", name]
    if key:
        arguments += ["-H", f"Authorization: Bearer {key}"]
    # Pages may be waited for: nothing comes here.
    hooks = Path(__file__).resolve().with_name("strange.py")
    environment = {"PATH": "/usr/bin:/bin", "SCHEMATHESIS_HOOKS": hooks.stem}
    environment |= {"PYTHONPATH": str(hooks.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    # What it keeps of one run is nothing to another.
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(arguments, env=environment, cwd=place, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    done = {"valid": valid, "answers": answers, "matrix": matrix, "strange": strange}[what]
    count = {"valid": 1, "answers": 2, "matrix": 2, "strange": 5}[what]
    sys.exit(0 if done(*arguments[:count]) else 1)
