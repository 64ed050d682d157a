"""omnidapter, a Zoho client that nobody here wrote, works against `greenroom simulate zoho`.

The simulator and our own client come from one sheet of facts, so their agreement proves little. This client was
written against Zoho itself; where it works here, the simulator is like Zoho in what it needs.
"""

import datetime
import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import omnidapter.providers.zoho.calendar as zoho_calendar
from omnidapter import Omnidapter
from omnidapter.core.errors import ProviderAPIError, TokenRevokedError
from omnidapter.core.registry import ProviderRegistry
from omnidapter.providers.zoho.provider import ZohoProvider
from omnidapter.services.calendar.models import Attendee, Recurrence
from omnidapter.services.calendar.requests import CreateEventRequest, UpdateEventRequest
from omnidapter.transport.retry import RetryPolicy
from support import PORT, Program, check, expect, http, run_checks

ZOHO = f"http://localhost:{PORT}"
REDIRECT = "http://localhost:8040/api/oauth/callback/"
CLIENT = {"client_id": "1000.OMNIDAPTER", "secret": "omnidapter-secret", "redirect_uris": [REDIRECT]}
VERA = {"email": "vera@example.net", "first_name": "Vera", "last_name": "Lind", "timezone": "Europe/Stockholm"}
SCOPES = ["ZohoCalendar.calendar.ALL", "ZohoCalendar.event.ALL"]
UTC = datetime.UTC
# Ten o'clock UTC a week from now, on the hour: in the future whenever this runs.
START = (datetime.datetime.now(UTC) + datetime.timedelta(days=7)).replace(hour=10, minute=0, second=0, microsecond=0)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


class Walk:
    """What one check hands to the next."""

    def __init__(self):
        zoho_calendar.ZOHO_API_BASE = f"{ZOHO}/api/v1"
        provider = ZohoProvider(client_id=CLIENT["client_id"], client_secret=CLIENT["secret"])
        provider.token_endpoint = f"{ZOHO}/oauth/v2/token"
        provider.authorization_endpoint = f"{ZOHO}/oauth/v2/auth"
        registry = ProviderRegistry()
        registry.register(provider)
        self.provider = provider
        self.omni = Omnidapter(registry=registry, retry_policy=RetryPolicy.no_retry())
        self.stored = self.calendar_id = self.event = self.service = None

    async def ask(self):
        extra = {"access_type": "offline", "prompt": "consent"}
        return await self.omni.oauth.begin("zoho", "vera", REDIRECT, scopes=SCOPES, extra_params=extra)

    def decide(self, authorization_url, decision):
        """What the person's browser posts from the consent page; returns the query of the redirect back."""
        form = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(authorization_url).query))
        form |= {"user": VERA["email"], "decision": decision}
        status, headers, text = http("POST", f"{ZOHO}/oauth/v2/auth/decide", form=form)
        expect(status in (302, 303), f"the decision was answered with {status}: {text[:300]}")
        expect(headers["Location"].startswith(REDIRECT), f"it leads to {headers['Location']}")
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))

    async def events(self, **parameters):
        window = {"start": (START - DAY).strftime("%Y%m%dT%H%M%SZ"), "end": (START + 14 * DAY).strftime("%Y%m%dT%H%M%SZ")}
        parameters = {"range": json.dumps(window), **parameters}
        return [event async for event in self.service.list_events(self.calendar_id, provider_data=parameters)]


@check
async def the_consent_page_names_who_asks_and_who_may_answer(walk):
    for path, body in (("users", VERA), ("clients", CLIENT)):
        status, _, text = http("POST", f"{ZOHO}/_sim/{path}", body=body)
        expect(status == 201, f"/_sim/{path} answered {status}: {text}")
    begun = await walk.ask()
    status, _, page = http("GET", begun.authorization_url)
    expect(status == 200 and VERA["email"] in page and CLIENT["client_id"] in page, f"{status}: {page[:500]}")


@check
async def a_refusal_comes_back_as_access_denied(walk):
    begun = await walk.ask()
    answer = walk.decide(begun.authorization_url, "reject")
    expect(answer.get("error") == "access_denied" and answer.get("state") == begun.state, f"{answer}")


@check
async def a_consent_becomes_tokens(walk):
    begun = await walk.ask()
    answer = walk.decide(begun.authorization_url, "accept")
    expect(answer.get("state") == begun.state and answer.get("accounts-server") == ZOHO, f"{answer}")
    walk.stored = await walk.omni.oauth.complete("zoho", "vera", answer["code"], answer["state"], REDIRECT)
    credentials = walk.stored.credentials
    expect(credentials.access_token and credentials.refresh_token, "a token is missing")
    left = credentials.expires_at - datetime.datetime.now(UTC)
    expect(datetime.timedelta(minutes=59) < left <= HOUR, f"the access token lives {left}")


@check
async def calendars_are_listed_and_the_default_one_answers_as_primary(walk):
    connection = await walk.omni.connection("vera")
    walk.service = connection.calendar()
    calendars = await walk.service.list_calendars()
    defaults = [calendar for calendar in calendars if calendar.provider_data.get("isdefault")]
    expect(len(defaults) == 1, f"{len(defaults)} of {len(calendars)} calendars are the default one")
    expect(defaults[0].timezone == VERA["timezone"], f"its zone is {defaults[0].timezone}")
    walk.calendar_id = defaults[0].calendar_id
    primary = await walk.service.get_calendar("primary")
    expect(primary.calendar_id == walk.calendar_id, f"primary is {primary.calendar_id}")


@check
async def an_event_is_created_and_read_back(walk):
    request = CreateEventRequest(
        summary="Interview with Bo", description="First round", location="Room 4", start=START, end=START + HOUR
    )
    created = await walk.service.create_event(walk.calendar_id, request)
    expect(created.event_id and created.provider_data["estatus"] == "added", f"{created}")
    walk.event = await walk.service.get_event(walk.calendar_id, created.event_id)
    expect((walk.event.start, walk.event.end) == (START, START + HOUR), f"{walk.event.start} to {walk.event.end}")
    expect((walk.event.summary, walk.event.location) == ("Interview with Bo", "Room 4"), f"{walk.event}")
    listed = [event.event_id for event in await walk.events()]
    expect(listed == [walk.event.event_id], f"the list has {listed}")


@check
async def an_update_with_the_etag_replaces_the_whole_event(walk):
    later = START + 2 * HOUR
    request = UpdateEventRequest(summary="Interview with Bo, moved", start=later, end=later + HOUR)
    await walk.service.update_event(walk.calendar_id, walk.event.event_id, request)
    moved = await walk.service.get_event(walk.calendar_id, walk.event.event_id)
    expect((moved.summary, moved.start) == ("Interview with Bo, moved", later), f"{moved.summary} at {moved.start}")
    expect(moved.provider_data["etag"] != walk.event.provider_data["etag"], "the etag stayed")
    expect(not moved.location and not moved.description, "a PUT clears what it does not name; this one kept it")


@check
async def a_deleted_event_is_gone(walk):
    await walk.service.delete_event(walk.calendar_id, walk.event.event_id)
    expect(await walk.events() == [], "the list still shows it")
    try:
        again = await walk.service.get_event(walk.calendar_id, walk.event.event_id)
    except ProviderAPIError as error:
        expect(error.status_code in (400, 404), f"{error}")
    else:
        expect(not again.event_id or again.provider_data.get("estatus") == "deleted", f"{again}")


@check
async def a_recurring_event_is_one_master_or_its_instances(walk):
    until = (START + 3 * DAY).strftime("%Y%m%dT%H%M%SZ")
    recurrence = Recurrence(rules=[f"RRULE:FREQ=DAILY;UNTIL={until}"])
    request = CreateEventRequest(summary="Daily", start=START, end=START + HOUR, recurrence=recurrence)
    created = await walk.service.create_event(walk.calendar_id, request)
    master = await walk.service.get_event(walk.calendar_id, created.event_id)
    expect(master.recurrence is not None and "FREQ=DAILY" in master.recurrence.rules[0], f"{master.recurrence}")
    instances = [event.start for event in await walk.events(byinstance="true")]
    expect(sorted(instances) == [START + day * DAY for day in range(4)], f"{instances}")
    await walk.service.delete_event(walk.calendar_id, created.event_id)
    expect(await walk.events(byinstance="true") == [], "its instances are still there")


@check
async def an_all_day_event_keeps_its_date(walk):
    date = (START + DAY).date()
    request = CreateEventRequest(summary="Away", start=date, end=date, all_day=True)
    created = await walk.service.create_event(walk.calendar_id, request)
    read = await walk.service.get_event(walk.calendar_id, created.event_id)
    expect(read.all_day is True and read.start.strftime("%Y%m%d") == date.strftime("%Y%m%d"), f"{read.start}, {read.all_day}")


@check
async def attendees_survive_the_round_trip(walk):
    bo = Attendee(email="bo@example.org")
    request = CreateEventRequest(summary="With Bo", start=START, end=START + HOUR, attendees=[bo])
    created = await walk.service.create_event(walk.calendar_id, request)
    read = await walk.service.get_event(walk.calendar_id, created.event_id)
    expect("bo@example.org" in [attendee.email for attendee in read.attendees], f"{read.attendees}")


@check
async def an_event_that_never_was_is_refused(walk):
    try:
        found = await walk.service.get_event(walk.calendar_id, "0123456789abcdef0123456789abcdef@zoho.com")
    except ProviderAPIError as error:
        expect(error.status_code in (400, 404), f"{error}")
    else:
        raise AssertionError(f"it was found: {found}")


@check
async def a_call_with_a_dead_token_is_refused(walk):
    status, _, text = http("POST", f"{ZOHO}/_sim/expire", body={"email": VERA["email"]})
    expect(status == 200 and json.loads(text)["expired"] >= 1, f"{status}: {text}")
    try:
        await walk.service.list_calendars()
    except ProviderAPIError as error:
        expect(error.status_code == 401 and "INVALID_OAUTHTOKEN" in error.response_body, f"{error}")
    else:
        raise AssertionError("an expired access token was accepted")


@check
async def a_refresh_gives_a_new_access_token_and_keeps_the_refresh_token(walk):
    renewed = await walk.provider.refresh_token(walk.stored)
    old, new = walk.stored.credentials, renewed.credentials
    expect(new.access_token and new.access_token != old.access_token, "the access token is the old one")
    expect(new.refresh_token == old.refresh_token, "the refresh token changed")
    service = zoho_calendar.ZohoCalendarService("vera", renewed, retry_policy=RetryPolicy.no_retry())
    expect(len(await service.list_calendars()) >= 1, "the new token reads no calendar")


@check
async def a_revoked_grant_is_recognised_as_revoked(walk):
    status, _, text = http("POST", f"{ZOHO}/_sim/revoke", body={"email": VERA["email"]})
    expect(status == 200, f"{status}: {text}")
    try:
        await walk.provider.refresh_token(walk.stored)
    except TokenRevokedError:
        pass
    else:
        raise AssertionError("a revoked refresh token was accepted")


if __name__ == "__main__":
    with Program("simulate", "zoho", "--port", str(PORT), ports=[PORT]):
        code = run_checks(Walk())
    sys.exit(code)
