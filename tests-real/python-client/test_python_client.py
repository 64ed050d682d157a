"""`clients/python/zoho_oauth_service.py` against `greenroom serve`, which works against `greenroom simulate zoho`."""

import datetime
import pathlib
import sys
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP.parent / "clients/python")]

from stage import GREENROOM, ZOHO, log_in, make_key, stage
from support import check, expect, http, run_checks
from zoho_oauth_service import AuthorizationRequired, GreenroomError, ZohoOAuthService

ANA = "ana@example.com"  # the simulator's New Yorker
# Nine in the evening, a week from now, in New York: nothing of the simulator's is there.
DAY = (datetime.datetime.now() + datetime.timedelta(days=7)).replace(hour=21, minute=0, second=0, microsecond=0)
HALF_AN_HOUR = datetime.timedelta(minutes=30)


def refusal(function, *arguments, **named):
    """The error that a call ends with."""
    try:
        value = function(*arguments, **named)
    except GreenroomError as error:
        return error
    raise AssertionError(f"it was not refused, but gave {value!r}")


class Walk:
    """What one check hands to the next."""

    def __init__(self, serving):
        self.cookie = log_in(serving)
        self.key = make_key(self.cookie, "read", "commit", "calendar_titles", "lend")
        self.service = ZohoOAuthService(GREENROOM, self.key)

    def consent(self):
        """Ana follows the link and says yes; her browser comes back to Greenroom."""
        url = refusal(self.service.get_calendar_list, ANA).authorization_url
        form = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)) | {"user": ANA, "decision": "accept"}
        _, headers, _ = http("POST", f"{ZOHO}/oauth/v2/auth/decide", form=form)
        status, headers, page = http("GET", headers["Location"])
        expect(status == 303, f"the callback was answered with {status}: {page[:500]}")
        end = time.monotonic() + 20
        while True:
            page = http("GET", urllib.parse.urljoin(GREENROOM, headers["Location"]))[2]
            status = http("GET", f"{GREENROOM}/api/admin/oauth/status/?manager_email={ANA}")[2]
            if '"is_active":true' in status:
                return
            expect(time.monotonic() < end, f"she is not connected after 20 s: {status} {page[:500]}")
            time.sleep(0.1)


@check
def before_consent_the_error_holds_the_link(walk):
    error = refusal(walk.service.get_calendar_list, ANA)
    expect((error.status, error.code) == (404, "not_found"), repr(vars(error)))
    expect(not walk.service.get_valid_access_token(ANA), "there is a token of somebody unknown")
    http("POST", f"{GREENROOM}/api/admin/oauth/setup/", form={"manager_email": ANA})
    error = refusal(walk.service.get_calendar_list, ANA)
    expect(isinstance(error, AuthorizationRequired), repr(error))
    expect(error.authorization_url.startswith(f"{ZOHO}/oauth/v2/auth?"), error.authorization_url)
    expect(not walk.service.get_valid_access_token(ANA), "there is a token without a connection")


@check
def after_consent_her_calendars_are_listed(walk):
    walk.consent()
    calendars = walk.service.get_calendar_list(ANA)
    expect(sum(calendar["is_default"] for calendar in calendars) == 1, repr(calendars))
    expect(all(calendar["id"] and calendar["name"] for calendar in calendars), repr(calendars))


@check
def an_event_without_an_offset_is_in_her_own_zone(walk):
    event = {"title": "Café chat", "start": DAY, "end": DAY + HALF_AN_HOUR, "description": "Über the phone"}
    made = walk.service.create_calendar_event(ANA, "primary", event)
    start = datetime.datetime.fromisoformat(made["start"].replace("Z", "+00:00"))
    # New York is four or five hours behind UTC.
    behind = start.replace(tzinfo=None) - DAY
    expect(behind in (datetime.timedelta(hours=4), datetime.timedelta(hours=5)), f"{DAY} became {made['start']}")
    found = walk.service.get_calendar_events(ANA, "primary", DAY, DAY + HALF_AN_HOUR)
    expect([event["id"] for event in found] == [made["id"]], repr(found))
    expect(found[0]["title"] is None and found[0]["busy"], "a title was given that nobody asked for")
    named = walk.service.get_calendar_events(ANA, "primary", DAY, DAY + HALF_AN_HOUR, titles=True)
    expect(named[0]["title"] == "Café chat", repr(named))


@check
def a_second_event_at_that_time_is_refused_unless_allowed(walk):
    event = {"title": "Another", "start": DAY.isoformat(), "end": (DAY + HALF_AN_HOUR).isoformat()}
    error = refusal(walk.service.create_calendar_event, ANA, "primary", event)
    expect((error.status, error.code) == (409, "clash"), repr(vars(error)))
    walk.service.create_calendar_event(ANA, "primary", event, allow_conflict=True)
    expect(len(walk.service.get_calendar_events(ANA, "primary", DAY, DAY + HALF_AN_HOUR)) == 2, "there are not two events")


@check
def every_calendar_takes_its_id_as_well_as_primary(walk):
    default = next(calendar for calendar in walk.service.get_calendar_list(ANA) if calendar["is_default"])
    by_id = walk.service.get_calendar_events(ANA, default["id"], DAY, DAY + HALF_AN_HOUR)
    expect(len(by_id) == 2, repr(by_id))


@check
def the_token_that_is_lent_works_at_zoho(walk):
    token = walk.service.get_valid_access_token(ANA)
    status, _, text = http("GET", f"{ZOHO}/api/v1/calendars", headers={"Authorization": f"Zoho-oauthtoken {token}"})
    expect(token and status == 200, f"Zoho answered {status}: {text[:300]}")


@check
def mistakes_say_what_to_do(walk):
    event = {"title": "Chat", "start": "tomorrow", "end": "2026-12-01T10:00:00Z"}
    error = refusal(walk.service.create_calendar_event, ANA, "primary", event)
    expect((error.status, error.field) == (422, "start") and "RFC 3339" in str(error), repr(vars(error)))
    error = refusal(walk.service.get_calendar_list, "not an address@")
    expect(error.status == 422, repr(vars(error)))
    error = refusal(ZohoOAuthService(GREENROOM, "grk_wrong").get_calendar_list, ANA)
    expect(error.status == 401 and "API key" in str(error), repr(vars(error)))
    error = refusal(ZohoOAuthService(GREENROOM, make_key(walk.cookie, "read")).get_valid_access_token, ANA)
    expect(error.status == 403 and "`lend`" in str(error), repr(vars(error)))
    error = refusal(ZohoOAuthService("http://localhost:9", walk.key).get_calendar_list, ANA)
    expect(error.status is None and "does not answer" in str(error), repr(vars(error)))


with stage(GREENROOM_LENDING="true") as serving:
    sys.exit(run_checks(Walk(serving)))
