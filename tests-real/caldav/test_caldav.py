"""The CalDAV adapter against Radicale and xandikos: discovery, times, and events that are ours and others'.

Every check runs at both servers. Other clients are played here, by plain requests; what must come out is worked out with zoneinfo.
"""

import datetime
import pathlib
import sys
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from objects import BERLIN, FIXED, NEW_YORK, calendar, event
from servers import PASSWORD, USER, both
from support import check, expect, run_checks

TOKYO = calendar(zones=[FIXED.format(name="Asia/Tokyo", offset="+0900")])
MARKER = "int_0199aaaabbbbccccddddeeeeffff0001"
URL = f"https://interviews.example.com/interviews/{MARKER}"


class Walk:
    """Both servers and the adapter, and what one check leaves for the next."""

    def __init__(self, servers, adapter):
        self.servers, self.adapter = servers, adapter
        self.work = {}
        self.created = {}

    def fresh(self, server, name, *objects, zone=None):
        """A calendar with these objects; gives its path."""
        path = server.make_calendar(name, zone=zone)
        for number, text in enumerate(objects):
            server.put(f"{path}{number}.ics", text)
        return path

    def events(self, server, path, start, end, do="events", **question):
        return self.adapter.ok(server, do, calendar=path, **{"from": start, "to": end} | question)


def both_servers(function):
    """Registers a check that runs at each server."""

    def run(walk):
        for server in walk.servers:
            try:
                function(walk, server)
            except AssertionError as error:
                raise AssertionError(f"at {server.name}: {error}") from error

    run.__name__ = function.__name__
    return check(run)


def utc(year, month, day, hour, minute=0, zone="UTC"):
    """A wall clock as the adapter writes its instant."""
    local = datetime.datetime(year, month, day, hour, minute, tzinfo=zoneinfo.ZoneInfo(zone))
    return local.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times(events):
    return [(event["from"], event["to"]) for event in events]


def same(found, wanted):
    expect(found == wanted, f"found {found}, wanted {wanted}")


@both_servers
def the_account_is_found_from_the_root(walk, server):
    expect(walk.adapter.ok(server, "exchange")["expires_in"] > 0, "no life")
    same(walk.adapter.ok(server, "identity")["email"], USER)


@check
def a_wrong_password_is_a_permission_that_is_over(walk):
    radicale = walk.servers[0]
    error = walk.adapter.fails(radicale, "exchange", "Revoked", password="wrong")
    expect("wrong" not in error["detail"] and PASSWORD not in error["detail"], f"the error shows a password: {error}")


@both_servers
def a_server_is_found_by_its_root_and_one_that_is_down_is_passing(walk, server):
    # What is configured may be wrong where the server's root is right.
    walk.adapter.ok(server, "exchange", server=f"{server.url}/nowhere/")
    walk.adapter.fails(server, "exchange", "Passing", server="http://127.0.0.1:1/")


@both_servers
def calendars_for_events_are_listed_and_others_are_not(walk, server):
    walk.work[server.name] = server.make_calendar("work", zone=TOKYO)
    server.make_calendar("tasks", components=["VTODO"])
    found = {calendar["uid"]: calendar for calendar in walk.adapter.ok(server, "calendars")}
    work = found[walk.work[server.name]]
    expect(work["writable"] and work["zone"] == "Asia/Tokyo" and work["name"] == "work", f"work is {work}")
    expect(not any("tasks" in uid for uid in found), f"tasks are listed: {list(found)}")
    # xandikos has no rights to give.
    readonly = [calendar["writable"] for uid, calendar in found.items() if "readonly" in uid]
    same(readonly, [False] if server.name == "radicale" else [])
    expect([calendar["is_default"] for calendar in found.values()].count(True) == 1, "there is not one default")


@both_servers
def an_event_is_made_once(walk, server):
    path = walk.work[server.name]
    before = {calendar["uid"]: calendar["change_tag"] for calendar in walk.adapter.ok(server, "calendars")}[path]
    question = {
        "calendar": path, "from": "2026-03-10T09:00:00Z", "to": "2026-03-10T09:45:00Z", "title": "Interview with Zoë, MD; \\o/",
        "description": f"Round 1\nArranged: {URL}", "location": "Room 1, 2nd floor", "url": URL,
    }
    made = walk.adapter.ok(server, "create", **question)
    again = walk.adapter.ok(server, "create", **question)
    same(again, made)
    walk.created[server.name] = made
    listed = walk.events(server, path, "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z", do="markers")
    expect(len(listed) == 1 and listed[0]["url"] == URL, f"listed {listed}")
    same((listed[0]["title"], listed[0]["description"]), (question["title"], question["description"]))
    same((listed[0]["uid"], listed[0]["etag"]), (made["uid"], made["etag"]))
    read = walk.adapter.ok(server, "event", calendar=path, uid=made["uid"])
    same((read["from"], read["to"], read["busy"]), (question["from"], question["to"], True))
    after = {calendar["uid"]: calendar["change_tag"] for calendar in walk.adapter.ok(server, "calendars")}[path]
    expect(before and after and before != after, f"the change tag was {before} and is {after}")


@both_servers
def a_move_keeps_what_somebody_else_wrote(walk, server):
    path, made = walk.work[server.name], walk.created[server.name]
    href = path + made["uid"]
    text = server.get(href)
    theirs = "X-VENDOR;X-A=\"b;c:d\":keep\\, me\r\nCATEGORIES:Interview\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:soon\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT"
    server.put(href, text.replace("END:VEVENT", theirs))
    stale = {"calendar": path, "uid": made["uid"], "from": "2026-03-12T14:00:00Z", "to": "2026-03-12T14:45:00Z"}
    walk.adapter.fails(server, "move", "Changed", **stale, etag=made["etag"])
    walk.adapter.fails(server, "delete", "Changed", calendar=path, uid=made["uid"], etag=made["etag"])
    before, live = server.get(href), walk.adapter.ok(server, "event", calendar=path, uid=made["uid"])
    moved = walk.adapter.ok(server, "move", **stale, etag=live["etag"])
    expect(moved["etag"] != live["etag"], "the etag stood still")

    def others(stored):
        mine = ("DTSTART", "DTEND", "DTSTAMP")
        return [line for line in stored.split("\n") if not line.startswith(mine)]

    same(others(server.get(href)), others(before))
    read = walk.adapter.ok(server, "event", calendar=path, uid=made["uid"])
    same((read["from"], read["to"], read["etag"]), (stale["from"], stale["to"], moved["etag"]))
    walk.created[server.name] = moved


@both_servers
def what_is_deleted_is_gone_and_may_be_deleted_again(walk, server):
    path, made = walk.work[server.name], walk.created[server.name]
    for _ in range(2):
        walk.adapter.ok(server, "delete", calendar=path, uid=made["uid"], etag=made["etag"])
    same(walk.adapter.ok(server, "event", calendar=path, uid=made["uid"]), None)
    question = {"calendar": path, "uid": made["uid"], "from": "2026-03-12T14:00:00Z", "to": "2026-03-12T14:45:00Z"}
    walk.adapter.fails(server, "move", "Gone", **question, etag=made["etag"])
    walk.adapter.fails(server, "events", "Gone", calendar=f"{path}nowhere/", **{"from": "2026-03-12T14:00:00Z", "to": "2026-03-13T14:00:00Z"})


@both_servers
def recurrences_keep_their_hour_across_clock_changes(walk, server):
    zones = [BERLIN.format(name="Europe/Berlin"), NEW_YORK.format(name="America/New_York")]
    weekly = {
        "Europe/Berlin": event("berlin", "DTSTART;TZID=Europe/Berlin:20260302T090000", "DTEND;TZID=Europe/Berlin:20260302T100000", "RRULE:FREQ=WEEKLY;COUNT=40",
            "EXDATE;TZID=Europe/Berlin:20260330T090000",
            more=[["RECURRENCE-ID;TZID=Europe/Berlin:20260406T090000", "DTSTART;TZID=Europe/Berlin:20260407T153000", "DTEND;TZID=Europe/Berlin:20260407T163000"]]),
        "America/New_York": event("york", "DTSTART;TZID=America/New_York:20260302T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;UNTIL=20261201T140000Z",
            "EXDATE:20260330T130000Z",
            more=[["RECURRENCE-ID:20260406T130000Z", "DTSTART;TZID=America/New_York:20260407T153000", "DTEND;TZID=America/New_York:20260407T163000"]]),
    }
    for zone, parts in weekly.items():
        path = walk.fresh(server, f"weekly-{zone.split('/')[1]}", calendar(parts, zones=[text for text in zones if zone in text]))
        wanted = []
        for week in range(40):
            day = datetime.date(2026, 3, 2) + datetime.timedelta(weeks=week)
            if day == datetime.date(2026, 3, 30):
                continue
            hour, minute = (9, 0)
            if day == datetime.date(2026, 4, 6):
                day, hour, minute = datetime.date(2026, 4, 7), 15, 30
            wanted.append((utc(day.year, day.month, day.day, hour, minute, zone), utc(day.year, day.month, day.day, hour + 1, minute, zone)))
        found = times(walk.events(server, path, "2026-03-01T00:00:00Z", "2027-01-01T00:00:00Z"))
        same(found, wanted)
        # And looked at one by one where clocks change: what the server leaves out of a narrow window would be free.
        for start, end in wanted:
            if start[5:7] not in ("03", "04", "10", "11"):
                continue
            instant = datetime.datetime.fromisoformat(start)
            begin, finish = (instant + datetime.timedelta(minutes=minutes) for minutes in (20, 40))
            same(times(walk.events(server, path, begin.isoformat(), finish.isoformat())), [(start, end)])
        master = walk.events(server, path, "2026-09-01T00:00:00Z", "2026-09-30T00:00:00Z", do="markers")
        expect(len(master) == 1 and master[0]["recurrence"].startswith("FREQ=WEEKLY"), f"the master is {master}")


@both_servers
def windows_are_exact_to_the_second(walk, server):
    path = walk.fresh(server, "edges", calendar(event("edge", "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z")))
    for start, end, hit in [
        ("08:00:00", "09:00:00", 0), ("08:00:00", "09:00:01", 1), ("09:15:00", "09:16:00", 1), ("09:59:59", "11:00:00", 1), ("10:00:00", "11:00:00", 0),
    ]:
        found = walk.events(server, path, f"2026-03-10T{start}Z", f"2026-03-10T{end}Z")
        expect(len(found) == hit, f"{start} to {end}: {found}")


@both_servers
def days_and_floating_times_are_in_the_right_zone(walk, server):
    objects = [
        calendar(event("day", "DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330")),
        calendar(event("days", "DTSTART;VALUE=DATE:20261024", "DURATION:P3D", "RRULE:FREQ=MONTHLY;COUNT=2")),
        calendar(event("floating", "DTSTART:20260610T090000", "DTEND:20260610T100000")),
    ]
    path = walk.fresh(server, "days", *objects, zone=TOKYO)
    found = times(walk.events(server, path, "2026-03-01T00:00:00Z", "2026-12-31T00:00:00Z"))
    berlin = "Europe/Berlin"
    wanted = [
        (utc(2026, 3, 29, 0, zone=berlin), utc(2026, 3, 30, 0, zone=berlin)),
        (utc(2026, 6, 10, 9, zone="Asia/Tokyo"), utc(2026, 6, 10, 10, zone="Asia/Tokyo")),
        (utc(2026, 10, 24, 0, zone=berlin), utc(2026, 10, 27, 0, zone=berlin)),
        (utc(2026, 11, 24, 0, zone=berlin), utc(2026, 11, 27, 0, zone=berlin)),
    ]
    same(found, wanted)
    # Just inside of the day, as the owner has it and UTC does not.
    same(len(walk.events(server, path, "2026-03-28T23:00:00Z", "2026-03-28T23:01:00Z")), 1)
    same(len(walk.events(server, path, "2026-06-10T00:00:00Z", "2026-06-10T00:30:00Z")), 1)


@both_servers
def zones_are_known_interpreted_or_fail(walk, server):
    def one(name, zone):
        return calendar(event(f"zone-{name.replace('/', '-')}", f"DTSTART;TZID={name}:20260710T090000", f"DTEND;TZID={name}:20260710T100000"), zones=[zone])

    july = ("2026-07-10T00:00:00Z", "2026-07-11T00:00:00Z")
    path = walk.fresh(
        server, "zones",
        one("W. Europe Standard Time", BERLIN.format(name="W. Europe Standard Time")),
        one("Customized Time Zone", BERLIN.format(name="Customized Time Zone")),
        one("Eastern", NEW_YORK.format(name="Eastern")),
        one("/example.com/20260101/Asia/Tokyo", FIXED.format(name="/example.com/20260101/Asia/Tokyo", offset="+0900")),
    )
    same([start[11:16] for start, _ in times(walk.events(server, path, *july))], ["00:00", "07:00", "07:00", "13:00"])
    walk.fresh(server, "nowhere", one("Nowhere", FIXED.format(name="Nowhere", offset="+0117")))
    nowhere = path.replace("zones", "nowhere")
    error = walk.adapter.fails(server, "events", "Protocol", calendar=nowhere, **{"from": july[0], "to": july[1]})
    expect("zone" in error["detail"], f"the error is {error}")
    walk.adapter.fails(server, "free_busy", "Protocol", email=USER, **{"from": july[0], "to": july[1]})
    status, _, _ = server.dav("DELETE", f"{nowhere}0.ics")
    expect(status in (200, 204), f"DELETE was answered with {status}")


@both_servers
def only_what_is_surely_free_is_free(walk, server):
    def at(hour, *lines):
        return calendar(event(f"busy-{hour}", f"DTSTART:20260811T{hour:02}0000Z", f"DTEND:20260811T{hour:02}3000Z", f"SUMMARY:{hour}", *lines))

    attendees = "ATTENDEE;PARTSTAT={}:mailto:ana@example.com"
    path = walk.fresh(
        server, "busy",
        at(1), at(2, "TRANSP:TRANSPARENT"), at(3, "STATUS:CANCELLED"), at(4, "STATUS:TENTATIVE"), at(5, "CLASS:PRIVATE"),
        at(6, "ORGANIZER:mailto:bob@example.net", attendees.format("DECLINED")),
        at(7, "ORGANIZER:mailto:bob@example.net", attendees.format("ACCEPTED"), "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.net"),
    )
    window = ("2026-08-11T00:00:00Z", "2026-08-12T00:00:00Z")
    found = walk.events(server, path, *window)
    same([event["title"] for event in found if event["busy"]], ["1", "4", "5", "7"])
    same([event["title"] for event in found if event["private"]], ["5"])
    busy = walk.adapter.ok(server, "free_busy", email=USER, **{"from": window[0], "to": window[1]})
    same([start[11:13] for start, _ in busy], ["01", "04", "05", "07"])


@both_servers
def this_and_all_later_ones_move_together(walk, server):
    parts = event(
        "later", "DTSTART:20260901T090000Z", "DTEND:20260901T093000Z", "RRULE:FREQ=DAILY;COUNT=5",
        more=[["RECURRENCE-ID;RANGE=THISANDFUTURE:20260903T090000Z", "DTSTART:20260903T110000Z", "DTEND:20260903T120000Z"]],
    )
    path = walk.fresh(server, "later", calendar(parts))
    found = walk.events(server, path, "2026-09-01T00:00:00Z", "2026-09-10T00:00:00Z")
    same([start[8:16] for start, _ in times(found)], ["01T09:00", "02T09:00", "03T11:00", "04T11:00", "05T11:00"])


@both_servers
def a_full_day_is_read_whole(walk, server):
    path = server.make_calendar("full")
    for number in range(150):
        minute = f"{number // 60:02}{number % 60:02}"
        server.put(f"{path}{number}.ics", calendar(event(f"full-{number}", f"DTSTART:20260910T{minute}00Z", f"DTEND:20260910T{minute}30Z", "DESCRIPTION:" + "x" * 2000)))
    same(len(walk.events(server, path, "2026-09-10T00:00:00Z", "2026-09-11T00:00:00Z")), 150)


if __name__ == "__main__":
    with both() as (servers, adapter):
        sys.exit(run_checks(Walk(servers, adapter)))
