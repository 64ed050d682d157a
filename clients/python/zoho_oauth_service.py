"""`ZohoOAuthService` over Greenroom's API: the class that Python code of the first version called, in one file.

Standard library only, Python 3.9 or newer. Copy it where you need it:

    from zoho_oauth_service import ZohoOAuthService

    service = ZohoOAuthService("https://interviews.example.com", "grk_…")   # or GREENROOM_URL and GREENROOM_API_KEY
    for calendar in service.get_calendar_list("ana@example.com"):
        print(calendar["id"], calendar["name"])
    service.create_calendar_event("ana@example.com", "primary", {
        "title": "Interview with Kim Lee",
        "start": datetime(2026, 12, 1, 10, 0),      # without an offset: in the manager's own zone
        "end": datetime(2026, 12, 1, 11, 0),
        "description": "Platform engineer",
    })

The key needs the right `read`; `commit` to create events, `calendar_titles` to see titles, `lend` for access tokens.
"""

import datetime
import json
import os
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["AuthorizationRequired", "GreenroomError", "ZohoOAuthService"]


class GreenroomError(Exception):
    """Greenroom refused, or did not answer. `code` is stable; the text says what happened and what to do."""

    def __init__(self, message, *, status=None, code=None, field=None, retry_after=None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field
        self.retry_after = retry_after


class AuthorizationRequired(GreenroomError):
    """Only the manager can mend it: they must follow `authorization_url`."""

    def __init__(self, message, authorization_url, **details):
        super().__init__(message, **details)
        self.authorization_url = authorization_url


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to wherever it points."""

    def redirect_request(self, *_):
        return None


class ZohoOAuthService:
    """Calendars of managers who granted access. Safe to share between threads."""

    def __init__(self, base_url=None, api_key=None, timeout=30):
        self._base = (base_url or os.environ.get("GREENROOM_URL") or "http://localhost:8040").rstrip("/")
        self._key = api_key or os.environ.get("GREENROOM_API_KEY")
        if not self._key:
            raise ValueError("there is no API key: pass api_key, or set GREENROOM_API_KEY")
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def get_calendar_list(self, manager_email):
        """The manager's calendars: a list of dicts with `id`, `name`, `zone`, `is_default` and `writable`."""
        return self._call("GET", ["managers", manager_email, "calendars"])["items"]

    def get_calendar_events(self, manager_email, calendar_id, start, end, titles=False):
        """Events that overlap the window, each instance of a series by itself: dicts with `id`, `start`, `end`, `all_day`, `busy`,
        `private` and `title` (None unless `titles`, which needs the right `calendar_titles`).

        `start` and `end` are datetimes or ISO texts; without an offset they are in the manager's own zone. `calendar_id` may be
        `primary`.
        """
        query = {"start": _time(start), "end": _time(end)}
        if titles:
            query["titles"] = "true"
        return self._call("GET", ["managers", manager_email, "calendars", calendar_id, "events"], query=query)["items"]

    def create_calendar_event(self, manager_email, calendar_id, event, allow_conflict=False):
        """Makes an event of `{"title", "start", "end", "description"}` and gives it as `get_calendar_events` does.

        Refused with the code `clash` where something is in the calendar already, unless `allow_conflict`.
        """
        body = {"title": event["title"], "start": _time(event["start"]), "end": _time(event["end"])}
        if event.get("description"):
            body["description"] = event["description"]
        if allow_conflict:
            body["allow_conflict"] = True
        return self._call("POST", ["managers", manager_email, "calendars", calendar_id, "events"], body=body)

    def get_valid_access_token(self, manager_email):
        """A short-lived access token for Zoho, or None where there is none: not connected, or this installation lends none."""
        try:
            return self._call("POST", ["managers", manager_email, "access-token"], body={})["access_token"]
        except GreenroomError as error:
            if error.code in ("needs_authorization", "lending_off", "not_found"):
                return None
            raise

    def _call(self, method, path, query=None, body=None):
        url = f"{self._base}/api/v1/" + "/".join(urllib.parse.quote(part, safe="@") for part in path)
        if query:
            url += "?" + urllib.parse.urlencode(query)
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as answer:
            raise _error(answer) from None
        except (urllib.error.URLError, TimeoutError) as error:
            reason = getattr(error, "reason", error)
            raise GreenroomError(f"Greenroom does not answer at {self._base}: {reason}") from error
        except ValueError as error:
            raise GreenroomError(f"what answers at {self._base} is not Greenroom: its answer is not JSON") from error


def _error(answer):
    """The exception for an answer with an error status."""
    try:
        problem = json.loads(answer.read())
        message = problem["detail"]
    except (ValueError, KeyError, TypeError):
        return GreenroomError(f"HTTP {answer.code} without an explanation: is this Greenroom's address?", status=answer.code)
    waits = answer.headers.get("Retry-After", "")
    details = {
        "status": answer.code,
        "code": problem.get("code"),
        "field": problem.get("field"),
        "retry_after": int(waits) if waits.isdigit() else None,
    }
    if problem.get("authorization_url"):
        return AuthorizationRequired(message, problem["authorization_url"], **details)
    return GreenroomError(message, **details)


def _time(value):
    """A datetime or an ISO text, as the API reads it."""
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)
