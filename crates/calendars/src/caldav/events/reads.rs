//! One event.

use ports::calendar::{Access, Answer, Event};
use url::Url;

use super::{entry::Source, lists::unreadable, object::Object};
use crate::caldav::{
    Caldav,
    dav::{
        multistatus::{self, DAV},
        refusal::refused,
        requests::propfind,
        session::{Session, etag, resource},
    },
};

const WHAT: &str = "read event";

/// A calendar object as it lies at the server.
pub(super) struct Stored {
    pub etag: Option<String>,
    pub text: Vec<u8>,
}

impl Caldav {
    /// See `CalendarProvider::event`.
    pub(in crate::caldav) async fn read_event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        let session = self.session(access)?;
        let collection = self.calendar_url(&session, access, calendar).await?;
        let Some(stored) = session.stored(WHAT, &resource(&collection, uid)?).await? else { return Ok(None) };
        let source = Source { name: uid.to_owned(), etag: stored.etag };
        let object = [Object::read(source, &stored.text).map_err(|what| unreadable(WHAT, what))?];
        let lens = session.lens(WHAT, &collection, object.iter(), access.zone.as_ref(), self.around_now()?).await?;
        object[0].whole(&lens).map(Some).map_err(|what| unreadable(WHAT, what))
    }
}

impl Session<'_> {
    /// The object at this URL; `None`: it is not there.
    pub(super) async fn stored(&self, what: &'static str, url: &Url) -> Answer<Option<Stored>> {
        let reply = self.get(what, url.clone()).await?;
        match reply.status {
            200 => {}
            404 | 410 => return Ok(None),
            _ => return Err(refused(what, &reply, false)),
        }
        let known = etag(&reply);
        let etag = if known.is_some() { known } else { self.current_etag(what, url).await? };
        Ok(Some(Stored { etag, text: reply.body.to_vec() }))
    }

    /// The etag of an object whose answer came without one.
    pub(super) async fn current_etag(&self, what: &'static str, url: &Url) -> Answer<Option<String>> {
        let (reply, _) = self.propfind(what, url.clone(), "0", propfind(&["d:getetag"])).await?;
        let etags = multistatus::read(what, &reply, |found| Ok(found.text(DAV, "getetag")))?;
        Ok(etags.into_iter().flatten().next().map(|etag| etag.trim().to_owned()))
    }
}
