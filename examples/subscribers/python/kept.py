"""Keeps events in a file, each once: a line has the event and the place to go on from after it."""

import json
import os


class Kept:
    def __init__(self, path):
        self.known, self.place, whole = set(), None, 0
        if os.path.exists(path):
            with open(path, "rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # else it was being written when this ended
                        whole += len(line)
                        self._take(json.loads(line))
            os.truncate(path, whole)
        self.file = open(path, "a")

    def _take(self, line):
        self.known.add(line["event"]["id"])
        if line["place"] is not None:
            self.place = line["place"]

    def add(self, event, place=None):
        """Keeps an event that is new, with the place after it where that is known. When this
        returns, both are on the disk."""
        if event["id"] in self.known:
            return
        line = {"event": event, "place": place}
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self._take(line)
