#!/usr/bin/env python3
"""Counts the dossiers of Biên Hòa again, from the raw bytes alone.

    recount.py ADDRESS

ADDRESS is the store's, as `hub.toml` has it: `sqlite:FILE` or `postgres://…`.

An audit: it shares no code with the hub, reads none of the hub's folds but the numbers it checks,
and was written from the semantics (§3, §5), not from the hub. It reads the messages that decided,
folds them its own plain way, counts, and compares with the stored numbers of that agency, day by
day. It also checks what must hold of any store: no gap in the journal, no message applied twice.
Prints every difference; exit 0 when there is none, 1 when there is one.
"""

import json
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone

from store import opened

CHANNEL = "ubnd-bien-hoa.ho-so"
AGENCY = "ubnd-bien-hoa"
VIETNAM = timezone(timedelta(hours=7))
STATUS = {
    "TIEP_NHAN": 2, "THU_LY": 4, "BO_SUNG": 5, "HOAN_THANH": 9, "TRA_KET_QUA": 10, "TU_CHOI": 8,
}
LIFE_CYCLE = [1, 2, 4, 5, 6, 3, 7, 8, 9, 10]
FINISHED = {3, 7, 8, 9, 10}
WAITING = {5, 6}


def instant(text):
    return None if text is None else datetime.fromisoformat(text).astimezone(VIETNAM)


class Dossier:
    """What the messages of one dossier say, taken as a set."""

    def __init__(self, messages):
        told = {json.dumps(one, sort_keys=True): one for one in messages}.values()
        order = lambda one: (
            instant(one["thoiDiem"]), LIFE_CYCLE.index(STATUS[one["trangThai"]]))
        forms = sorted((one for one in told if one["suKien"] == "HOSO_MOI"), key=order)
        changes = sorted((one for one in told if one["suKien"] == "DOI_TRANG_THAI"), key=order)
        form = forms[-1] if forms else {}
        since = instant(form.get("thoiDiem"))
        live = [one for one in changes if since is None or instant(one["thoiDiem"]) > since]
        last = live[-1] if live else form
        self.status = STATUS[last["trangThai"]]
        self.status_at = instant(last["thoiDiem"])
        self.accepted = instant(form.get("ngayTiepNhan"))
        self.promises = self.promised(forms, changes)
        self.steps = self.taken(forms, changes)
        finished = [one["ngayTra"] for one in live if one.get("ngayTra")]
        handed = [one["ngayTra"] for one in live
                  if one.get("ngayTra") and one["trangThai"] == "TRA_KET_QUA"]
        self.declared_finish = instant(finished[-1]) if finished else None
        self.handed_over = instant(handed[-1]) if handed else None

    @staticmethod
    def promised(forms, changes):
        """Each promise and the day since which it stood, the first from the beginning. A due date
        that is told otherwise is one where the dossier waited for its applicant meanwhile."""
        promises, before, since = [], None, None
        for form in forms:
            at, due = instant(form["thoiDiem"]), instant(form.get("ngayHenTra"))
            says = {name: told for name, told in form.items() if name != "thoiDiem"}
            if due and not promises:
                promises.append((date.min, due))
            elif due and promises[-1][1] != due:
                told = [STATUS[one["trangThai"]] for one in (form, before)]
                told += [STATUS[one["trangThai"]] for one in changes
                         if since < instant(one["thoiDiem"]) <= at]
                if WAITING & set(told):
                    promises.append((at.date(), due))
            if says != before:
                before, since = says, at
        return [(start, due.date()) for start, due in promises]

    def taken(self, forms, changes):
        """Every status taken and when, in order."""
        steps = [(instant(one["thoiDiem"]), STATUS[one["trangThai"]]) for one in changes]
        for form, after in zip(forms, forms[1:] + [None]):
            # A form that tells the status anew takes the place of the one before it.
            if after is None or after["trangThai"] != form["trangThai"]:
                steps.append((instant(form["thoiDiem"]), STATUS[form["trangThai"]]))
        if self.accepted:
            steps.append((self.accepted, 2))
        return sorted(steps, key=lambda step: (step[0], LIFE_CYCLE.index(step[1])))

    def finish(self):
        if self.status not in FINISHED:
            return None
        ready = [at for at, status in self.steps if status == 9]
        if self.declared_finish:
            return self.declared_finish.date()
        return (ready[-1] if self.status == 10 and ready else self.status_at).date()

    def opened(self):
        if self.accepted:
            return self.accepted.date()
        return min(at for at, _ in self.steps).date()

    def status_on(self, day):
        """The status at the end of a day."""
        if day >= self.status_at.date():
            return self.status
        reached = [status for at, status in self.steps if at.date() <= day]
        return reached[-1] if reached else None

    def due_on(self, day):
        stood = [due for start, due in self.promises if start <= day]
        return stood[-1] if stood else None


def verdict(finish, due):
    if due is None or finish == due:
        return "on-time"
    return "early" if finish < due else "late"


def flows(dossier):
    """What happened to a dossier: measure and day."""
    # Every dossier of Biên Hòa is filed at the counter: none counts as online or by post.
    opened, finish = dossier.opened(), dossier.finish()
    yield "accepted", opened
    if finish is None:
        return
    promises = dossier.promises
    counted = max(opened, finish)
    yield "finished-" + verdict(finish, promises[-1][1] if promises else None), counted
    if promises:
        yield "first-promise-" + verdict(finish, promises[0][1]), counted
    if dossier.status == 8:
        yield "refused-8", counted
    if dossier.status == 10:
        yield "returned", dossier.handed_over.date() if dossier.handed_over else finish


def conditions(dossier, day):
    """What a dossier is in at the end of a day."""
    status, finish, due = dossier.status_on(day), dossier.finish(), dossier.due_on(day)
    held = set()
    if status is not None:
        held.add(f"in-status-{status}")
    if dossier.opened() <= day and (finish is None or day < finish):
        held.add("open")
        if status in WAITING:
            held.add("paused")
        if due is not None and due < day:
            held.add("paused-overdue" if status in WAITING else "overdue")
    return held


def turning_days(dossier):
    """Every day on which a condition may begin or end."""
    days = {at.date() for at, _ in dossier.steps} | {dossier.opened(), dossier.status_at.date()}
    days |= {due + timedelta(days=1) for _, due in dossier.promises}
    days |= {start for start, _ in dossier.promises if start != date.min}
    finish = dossier.finish()
    return sorted(days | ({finish} if finish else set()))


def count(dossiers):
    numbers = Counter()
    for dossier in dossiers:
        for measure, day in flows(dossier):
            numbers[measure, day] += 1
        before = set()
        for day in turning_days(dossier):
            now = conditions(dossier, day)
            for measure in now - before:
                numbers[measure, day] += 1
            for measure in before - now:
                numbers[measure, day] -= 1
            before = now
    return numbers


def raw_dossiers(store):
    """The messages that decide, from the bytes as they came, by dossier."""
    rows = store.rows(
        # A message of this agency is one piece.
        f"""SELECT encode(p.bytes, 'hex') AS payload FROM message_keys k
            JOIN messages m ON m.message = k.message
            JOIN payloads p ON p.message = k.message
            WHERE k.channel = '{CHANNEL}' AND m.outcome IN ('stored', 'partial')
              AND m.mode <> 'trial'""")
    messages = defaultdict(list)
    for (payload,) in rows:
        message = json.loads(bytes.fromhex(payload))
        messages[message["maHoSo"]].append(message)
    return messages


def stored_numbers(store):
    """The rollups by day, with the deltas that they do not hold yet, and what in them disagrees."""
    epoch = date(1970, 1, 1)
    (rolled,), = store.rows("SELECT position FROM rolled")
    numbers, faults = Counter(), []
    for measure, total, days in store.rollups(AGENCY):
        if total != sum(n for _, n in days):
            year = (epoch + timedelta(days=days[0][0])).year
            faults.append(f"{measure} of {year}: the year says {total}, its days do not")
        for day, n in days:
            numbers[measure, epoch + timedelta(days=day)] += n
    for measure, day, n in store.deltas(AGENCY, rolled):
        numbers[measure, epoch + timedelta(days=day)] += n
    return numbers, faults


def invariants(store):
    """Faults of the store itself."""
    (entries, first, last), = store.rows(
        "SELECT count(*) AS n, min(position) AS first, max(position) AS last FROM entries")
    if entries and (first, last) != (0, entries - 1):
        yield f"{entries} entries at positions {first} to {last}: the journal has a gap"
    (size,), = store.rows("SELECT size FROM head")
    if size != entries:
        yield f"the head says {size} entries, there are {entries}"
    twice = store.rows(
        """SELECT channel, id, count(*) AS times FROM messages
           WHERE outcome IN ('stored', 'partial')
           GROUP BY channel, id HAVING count(*) > 1""")
    for channel, name, times in twice:
        yield f"message {name} of {channel} was applied {times} times"
    wrong = store.rows(
        """SELECT m.id, m.records, count(e.position) AS found FROM messages m
           LEFT JOIN entries e
             ON e.message = m.message AND e.kind IN ('observation', 'retraction')
           GROUP BY m.message, m.id, m.records HAVING m.records <> count(e.position)""")
    for name, records, found in wrong:
        yield f"message {name} says {records} records, the journal has {found}"
    for (unfinished,) in store.rows("SELECT id FROM messages WHERE outcome IS NULL"):
        yield f"message {unfinished} has no outcome"


def main(address):
    store = opened(address)
    messages = raw_dossiers(store)
    recounted = count(Dossier(told) for told in messages.values())
    stored, faults = stored_numbers(store)
    faults.extend(invariants(store))
    for key in sorted(recounted.keys() | stored.keys()):
        if recounted[key] != stored[key]:
            measure, day = key
            faults.append(f"{measure} {day}: stored {stored[key]}, recounted {recounted[key]}")
    totals = Counter()
    for (measure, _), n in recounted.items():
        totals[measure] += n
    for measure in sorted(totals):
        print(f"{measure:<24}{totals[measure]:>8}")
    print(f"{len(messages)} dossiers, {sum(map(len, messages.values()))} messages")
    for fault in faults:
        print(fault)
    print(f"{len(faults)} differences")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
