"""Follows a feed page by page: HUB=http://… KEY=ltk_… python3 pages.py FILE"""

import json
import os
import re
import sys
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

from kept import Kept

hub, key = os.environ["HUB"], os.environ["KEY"]
kept = Kept(sys.argv[1])
# A page that would be empty waits for what comes, for half a minute.
place = kept.place or "/v1/feeds/records?limit=100&wait=30"
while True:
    try:
        with urlopen(Request(hub + place, headers={"Authorization": f"Bearer {key}"})) as answer:
            events = json.load(answer)
            following = re.match(r'<(.*?)>; rel="next"', answer.headers["Link"])[1]
    except (URLError, OSError) as away:
        print(away, file=sys.stderr)  # 410 wants more than waiting: docs/feeds.md
        time.sleep(1)
        continue
    for at, event in enumerate(events, 1):
        # Only after the last one is the page done with.
        kept.add(event, following if at == len(events) else None)
    place = following
