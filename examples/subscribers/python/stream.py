"""Follows a feed as server-sent events: HUB=http://… KEY=ltk_… python3 stream.py FILE"""

import json
import os
import sys
import time
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import Request, urlopen

from kept import Kept

hub, key = os.environ["HUB"], os.environ["KEY"]
kept = Kept(sys.argv[1])
place = kept.place
while True:
    headers = {"Authorization": f"Bearer {key}"}
    if place:
        headers["Last-Event-ID"] = place
    try:
        # The hub says something every ten seconds: a line that is silent for longer is dead.
        with urlopen(Request(f"{hub}/v1/feeds/records/stream", headers=headers), timeout=30) as lines:
            for line in lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    place = value
                elif name == "data":
                    kept.add(json.loads(value), place)
    except (URLError, OSError, HTTPException) as away:
        print(away, file=sys.stderr)
    time.sleep(1)
