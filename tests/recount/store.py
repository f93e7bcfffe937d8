#!/usr/bin/env python3
"""Reads a hub's store, whichever it is, past the hub.

    store.py ADDRESS SQL

ADDRESS is what `hub.toml` says: `sqlite:FILE` or `postgres://…`. Prints each row as a JSON array.
Bytes are written `encode(…, 'hex')` on SQLite too, and both have `rolled`. Numbers are laid out
otherwise on either: `rollups` and `deltas` give them alike.
A statement that changes something is carried out, and fails where it changes nothing.

PostgreSQL is asked through its own client, psql, and every row comes as one line of JSON: nothing
that an agency sends can look like the end of a row.
"""

import json
import os
import sqlite3
import subprocess
import sys


def integers(data):
    """Variable-length integers with zigzag, as Protocol Buffers write them."""
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number >> 1 ^ -(number & 1)
            number = shift = 0
    if shift:
        raise ValueError("an integer ends early")


def grouped(numbers, size):
    """Numbers in groups of so many."""
    numbers = list(numbers)
    if len(numbers) % size:
        raise ValueError(f"{len(numbers)} numbers are no groups of {size}")
    return [tuple(numbers[at:at + size]) for at in range(0, len(numbers), size)]


class Sqlite:
    """The embedded store."""

    def __init__(self, path):
        self.path = path

    def connect(self, mode):
        store = sqlite3.connect(f"file:{self.path}?mode={mode}", uri=True)
        store.create_function("encode", 2, lambda data, _: None if data is None else data.hex())
        # The same names as on PostgreSQL, where these are apart.
        store.execute("CREATE TEMP VIEW rolled AS SELECT rolled AS position FROM head")
        return store

    def rows(self, sql):
        return self.connect("ro").execute(sql).fetchall()

    def rollups(self, agency):
        """What the rollups say of an agency: measure, total of the year, its days and numbers."""
        rows = self.connect("ro").execute(
            """SELECT m.text, r.n, r.days FROM rollups r
               JOIN measures m ON m.measure = (r.slot >> 45 & 255)
               JOIN names i ON i.name = r.inner
               WHERE r.slot >> 53 = 1 AND i.text = ?""", (agency,))
        for measure, total, packed in rows:
            day, days = 0, []
            for since, n in grouped(integers(packed), 2):
                day += since
                days.append((day, n))
            yield measure, total, days

    def deltas(self, agency, position):
        """The deltas of an agency from a position on: measure, day, number."""
        store = self.connect("ro")
        places = {place for (place,) in store.execute(
            "SELECT place FROM places WHERE agency = ?", (agency,))}
        measures = dict(store.execute("SELECT measure, text FROM measures"))
        rows = store.execute("SELECT packed FROM deltas WHERE position >= ?", (position,))
        for (packed,) in rows:
            day = 0
            for place, measure, since, n in grouped(integers(packed), 4):
                day += since
                if place in places:
                    yield measures[measure], day, n

    def alter(self, sql):
        store = self.connect("rw")
        changed = store.execute(sql).rowcount
        store.commit()
        return changed


class Postgres:
    """The store of several processes."""

    def __init__(self, address):
        self.address = address

    def psql(self, sql):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self.address, "-f", "-"]
        options = {"PGOPTIONS": "-c search_path=lienthong", "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run(
            command, input=sql.encode(), capture_output=True, env={**os.environ, **options})
        if done.returncode:
            sys.exit(done.stderr.decode(errors="replace"))
        return done.stdout.decode().split("\n")[:-1]

    def rows(self, sql):
        # The columns of a row keep their order as members of an object; their names must differ.
        told = self.psql(f"SELECT row_to_json(told)::text FROM ({sql}) told")
        return [tuple(json.loads(line).values()) for line in told]

    def rollups(self, agency):
        """What the rollups say of an agency: measure, total of the year, its days and numbers."""
        rows = self.rows(
            f"""SELECT m.text, r.n, r.days, r.counts FROM rollups r
                JOIN measures m ON m.measure = (r.slot >> 45 & 255)
                JOIN names i ON i.name = r.inside
                WHERE r.slot >> 53 = 1 AND i.text = '{agency}'""")
        for measure, total, days, counts in rows:
            yield measure, total, list(zip(days, counts, strict=True))

    def deltas(self, agency, position):
        """The deltas of an agency from a position on: measure, day, number."""
        return self.rows(
            f"""SELECT d.measure, d.day, d.n FROM deltas d JOIN places p ON p.place = d.place
                WHERE p.agency = '{agency}' AND d.position >= {position}""")

    def alter(self, sql):
        counted = f"WITH changed AS ({sql} RETURNING 1) SELECT count(*) FROM changed"
        return int(self.psql(counted)[0])


def opened(address):
    """The store at an address."""
    kind, _, path = address.partition(":")
    if kind == "sqlite":
        return Sqlite(path)
    if kind in ("postgres", "postgresql"):
        return Postgres(address)
    sys.exit(f"{address} names no store: sqlite:FILE or postgres://…")


def main(address, sql):
    store = opened(address)
    if sql.lstrip().upper().startswith("SELECT"):
        for row in store.rows(sql):
            print(json.dumps(row, ensure_ascii=False))
    elif store.alter(sql) == 0:
        sys.exit("nothing was changed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
