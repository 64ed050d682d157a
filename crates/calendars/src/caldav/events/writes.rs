//! Creating, moving and deleting events. Every write says in its error whether it may have happened all the same. No attendees are
//! ever added: Greenroom sends its own mails.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ports::calendar::{Access, Answer, EventDraft, EventPatch, FailureClass, ProviderError, Written};
use ring::digest::{SHA256, digest};
use roxmltree::Document;
use url::Url;

use super::{edit, lists::unreadable};
use crate::{
    caldav::{
        Caldav,
        dav::{
            multistatus::{CALDAV, DAV, child, is, text},
            refusal::{malformed, refused},
            session::{Only, Session, etag, name_of, resource},
        },
    },
    failure::failure,
    http::Reply,
};

const CREATE: &str = "create event";
const MOVE: &str = "move event";
const DELETE: &str = "delete event";

impl Caldav {
    /// See `CalendarProvider::create`. The name comes from the marker, so a repeat meets the first event and answers with it.
    pub(in crate::caldav) async fn create_event(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        if draft.make_meeting {
            return Err(failure(FailureClass::Refused, format!("{CREATE}: CalDAV makes no online meetings")));
        }
        let session = self.session(access)?;
        let collection = self.calendar_url(&session, access, calendar).await?;
        let uid = format!("greenroom-{}", marker(draft));
        let url = resource(&collection, &format!("{uid}.ics"))?;
        let body = edit::new_object(&uid, draft, self.clock.now()).into_bytes();
        let reply = session.put(CREATE, url.clone(), Only::New, body).await?;
        match reply.status {
            200 | 201 | 204 => session.written(CREATE, &url, &reply).await,
            412 => session.found(&url, &uid).await,
            403 | 409 => match session.same_uid(&collection, &reply) {
                Some(other) => session.found(&other, &uid).await,
                None => Err(refused(CREATE, &reply, true)),
            },
            _ => Err(refused(CREATE, &reply, true)),
        }
    }

    /// See `CalendarProvider::reschedule`: what is there is read, its time replaced, and the whole put back if nobody was faster.
    pub(in crate::caldav) async fn reschedule_event(
        &self,
        access: &Access,
        calendar: &str,
        uid: &str,
        patch: &EventPatch,
    ) -> Answer<Written> {
        let session = self.session(access)?;
        let collection = self.calendar_url(&session, access, calendar).await?;
        let url = resource(&collection, uid)?;
        let Some(stored) = session.stored(MOVE, &url).await? else {
            return Err(failure(FailureClass::Gone, format!("{MOVE}: it is not there")));
        };
        if stored.etag.as_ref().is_some_and(|etag| *etag != patch.etag) {
            return Err(failure(FailureClass::Changed, format!("{MOVE}: somebody changed it")));
        }
        let body = edit::moved(&stored.text, patch.range, self.clock.now())
            .map_err(|why| failure(FailureClass::Refused, format!("{MOVE}: {why}")))?;
        let reply = session.put(MOVE, url.clone(), Only::As(&patch.etag), body).await?;
        match reply.status {
            200 | 201 | 204 => session.written(MOVE, &url, &reply).await,
            412 => Err(session.judge(MOVE, &url, &reply).await),
            _ => Err(refused(MOVE, &reply, true)),
        }
    }

    /// See `CalendarProvider::delete`.
    pub(in crate::caldav) async fn delete_event(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        let session = self.session(access)?;
        let collection = self.calendar_url(&session, access, calendar).await?;
        let url = resource(&collection, uid)?;
        let reply = session.delete(DELETE, url.clone(), etag).await?;
        match reply.status {
            200 | 202 | 204 | 404 | 410 => Ok(()),
            412 => match session.judge(DELETE, &url, &reply).await {
                error if error.class == FailureClass::Gone => Ok(()),
                error => Err(error),
            },
            _ => Err(refused(DELETE, &reply, true)),
        }
    }
}

impl Session<'_> {
    /// What a write answers. A server that changed something in the object names no etag (RFC 4791 section 5.3.4): it is asked for.
    async fn written(&self, what: &'static str, url: &Url, reply: &Reply) -> Answer<Written> {
        let happened = |error: ProviderError| ProviderError { may_have_happened: true, ..error };
        let known = etag(reply);
        let etag = if known.is_some() { known } else { self.current_etag(what, url).await.map_err(happened)? };
        let etag = etag.ok_or_else(|| malformed(what, "etag", true))?;
        let uid = name_of(url).ok_or_else(|| malformed(what, "href", true))?;
        Ok(Written { uid, etag, view_url: None, meeting_url: None })
    }

    /// The event that an earlier create has left.
    async fn found(&self, url: &Url, uid: &str) -> Answer<Written> {
        let Some(stored) = self.stored(CREATE, url).await? else {
            return Err(failure(FailureClass::Passing, format!("{CREATE}: it was there, and is not any more")));
        };
        if edit::uid(&stored.text).map_err(|why| unreadable(CREATE, why))?.as_deref() != Some(uid) {
            return Err(failure(FailureClass::Refused, format!("{CREATE}: something else has its name")));
        }
        let etag = stored.etag.ok_or_else(|| malformed(CREATE, "etag", false))?;
        let uid = name_of(url).ok_or_else(|| malformed(CREATE, "href", false))?;
        Ok(Written { uid, etag, view_url: None, meeting_url: None })
    }

    /// Where the event lies if the server has its UID under another name in this calendar (`no-uid-conflict`, RFC 4791 section 5.3.2.1).
    fn same_uid(&self, collection: &Url, reply: &Reply) -> Option<Url> {
        let document = Document::parse(std::str::from_utf8(&reply.body).ok()?).ok()?;
        let conflict = document.root_element().children().find(|node| is(*node, CALDAV, "no-uid-conflict"))?;
        let url = self.resolve(CREATE, collection, &text(child(conflict, DAV, "href")?)).ok()?;
        resource(collection, &name_of(&url)?).ok().filter(|own| *own == url)
    }

    /// A 412 to an etag may also mean that nothing is there (RFC 9110 section 13.1.1); one look tells.
    async fn judge(&self, what: &'static str, url: &Url, reply: &Reply) -> ProviderError {
        match self.stored(what, url).await {
            Ok(None) => failure(FailureClass::Gone, format!("{what}: it is not there")),
            Ok(Some(_)) => refused(what, reply, true),
            Err(error) => error,
        }
    }
}

/// What names an event: the last part of its link, which is the interview's id. An event without a link is named by what it says, so
/// that the same one is not made twice.
fn marker(draft: &EventDraft) -> String {
    let plain = |text: &&str| {
        (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if let Some(id) = draft.url.as_deref().and_then(|url| url.rsplit('/').next()).filter(plain) {
        return id.to_owned();
    }
    let said =
        serde_json::json!([draft.title, draft.description, draft.location, draft.url, draft.range.start(), draft.range.end()]);
    let digest = digest(&SHA256, said.to_string().as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use domain::{TimeRange, Zone};

    use super::*;

    #[test]
    fn an_event_is_named_by_its_link_or_by_what_it_says() {
        let range = TimeRange::new("2026-03-10T09:00:00Z".parse().unwrap(), "2026-03-10T09:45:00Z".parse().unwrap()).unwrap();
        let plain = EventDraft {
            title: "Interview".to_owned(),
            description: String::new(),
            location: None,
            url: None,
            range,
            zone: Zone::utc(),
            make_meeting: false,
        };
        let linked = |url: &str| marker(&EventDraft { url: Some(url.to_owned()), ..plain.clone() });
        assert_eq!(linked("https://example.com/interviews/int_0195a3b2c1d4"), "int_0195a3b2c1d4");
        for odd in ["https://example.com/", "https://example.com/interviews/a%2fb.ics?x", "https://example.com/interviews/../.."] {
            assert_eq!(linked(odd).len(), 22, "{odd}");
        }
        assert_eq!(marker(&plain), marker(&plain));
        assert_ne!(marker(&plain), marker(&EventDraft { title: "Other".to_owned(), ..plain.clone() }));
    }
}
