"""Reads exports as the programs of analysts do.

    exports.py same NAME…   reads NAME.ndjson, .csv, .xlsx and .parquet, which must hold the same
                            rows; prints them, the types of their columns and what the files tell,
                            of each name
    exports.py sql          runs the statements on standard input in DuckDB; prints the last rows
    exports.py cells FILE   prints the sheets of a workbook: name, and rows of values
"""

import csv
import json
import sys
from datetime import date, datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import load_workbook

VIETNAM = timedelta(hours=7)


def from_csv(text, kind):
    """A cell of CSV as what its column holds."""
    if text == "":
        return None
    if pa.types.is_int64(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[text]
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text)
    return text[1:] if text[0] == "'" and text[1:2] in tuple("=+-@\t\r\n") else text


def from_sheet(value, kind):
    """A cell of a workbook as what its column holds."""
    if value is None:
        return None
    if pa.types.is_date(kind) and isinstance(value, datetime):
        return value.date()
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        return (value - VIETNAM).replace(tzinfo=timezone.utc)
    if pa.types.is_floating(kind):
        return float(value)
    return value


def sheets(name):
    book = load_workbook(name)
    formulas = [cell.coordinate for sheet in book for row in sheet.iter_rows() for cell in row
                # LibreOffice writes what is true or false so.
                if cell.data_type == "f" and cell.value not in ("=TRUE()", "=FALSE()")]
    assert not formulas, formulas
    return [(sheet.title, [[cell.value for cell in row] for row in sheet.iter_rows()])
            for sheet in book]


def equal(one, other):
    if isinstance(one, datetime) and isinstance(other, datetime):
        # Workbooks count days in doubles; the library rounds to milliseconds.
        return abs(one - other) <= timedelta(milliseconds=1)
    return one == other


def assert_same(what, names, one, other):
    assert len(one) == len(other), (what, len(one), len(other))
    for number, (left, right) in enumerate(zip(one, other)):
        assert len(left) == len(right) == len(names), (what, number, left, right)
        for name, a, b in zip(names, left, right):
            assert equal(a, b), (what, number, name, a, b)


def same(name):
    table = pq.read_table(f"{name}.parquet")
    kinds = [field.type for field in table.schema]
    names = table.schema.names
    rows = [[row[name] for name in names] for row in table.to_pylist()]
    with open(f"{name}.csv", "rb") as file:
        octets = file.read()
    assert octets.startswith(b"\xef\xbb\xbf") and octets.endswith(b"\r\n"), octets[:40]
    with open(f"{name}.csv", encoding="utf-8-sig", newline="") as file:
        head, *lines = csv.reader(file, strict=True)
    assert head == names, head
    cells = [[from_csv(text, kind) for text, kind in zip(line, kinds)] for line in lines]
    assert_same("csv", names, rows, cells)
    *data, (about, told) = sheets(f"{name}.xlsx")
    assert all(title.startswith("Dữ liệu") for title, _ in data), data
    found = [row for _, sheet in data for row in sheet[1:]]
    found = [[from_sheet(value, kind) for value, kind in zip(row, kinds)] for row in found]
    assert_same("xlsx", names, rows, found)
    with open(f"{name}.ndjson", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    assert [int(event["sequence"]) for event in events] == [row[0] for row in rows]
    counted = duckdb.sql(f"SELECT count(*) FROM '{name}.parquet'").fetchall()[0][0]
    assert counted == len(rows) == pq.ParquetFile(f"{name}.parquet").metadata.num_rows
    metadata = {key.decode(): value.decode() for key, value in
                (table.schema.metadata or {}).items()}
    metadata.update({key.decode(): value.decode() for key, value in
                     (pq.read_metadata(f"{name}.parquet").metadata or {}).items()})
    return {
        "types": {name: str(kind) for name, kind in zip(names, kinds)},
        "rows": [dict(zip(names, row)) for row in rows],
        "titles": data[0][1][0],
        "about": [about, told],
        "metadata": metadata,
        "csv": octets.decode("utf-8-sig"),
    }


def sql(text):
    rows = None
    for statement in duckdb.extract_statements(text):
        rows = duckdb.sql(statement.query)
    print(json.dumps(rows.fetchall(), default=str))


match sys.argv[1:]:
    case ["same", *names]:
        print(json.dumps([same(name) for name in names], default=str))
    case ["sql"]:
        sql(sys.stdin.read())
    case ["cells", name]:
        print(json.dumps(sheets(name), default=str))
    case _:
        sys.exit(__doc__)
