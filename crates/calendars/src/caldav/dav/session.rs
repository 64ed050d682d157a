//! Calls for one account: its server, its credentials, and the only hosts they may be carried to.

use bytes::Bytes;
use ports::calendar::{Access, Answer, FailureClass};
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION},
};
use url::Url;

use super::{multistatus::Found, refusal::malformed};
use crate::{
    caldav::{Caldav, config::CaldavServer, credentials},
    failure::{failure, unanswered},
    http::{Call, Limits, Reply},
};

/// Ten thousand events of a day fit in; a quarter of a busy year, too.
const BODY: usize = 32 * 1024 * 1024;
/// Redirects that are followed.
const MOST_HOPS: usize = 4;
const XML: &str = "application/xml; charset=utf-8";
const ICALENDAR: &str = "text/calendar; charset=utf-8";

/// What a write depends on.
#[derive(Debug, Clone, Copy)]
pub(in crate::caldav) enum Only<'a> {
    /// Nothing is there yet.
    New,
    /// It is as this etag says.
    As(&'a str),
}

/// See the module's header.
pub(in crate::caldav) struct Session<'a> {
    pub caldav: &'a Caldav,
    pub server: &'a CaldavServer,
    authorization: HeaderValue,
    pub user: String,
}

impl Caldav {
    /// Calls with an account's credentials.
    pub(in crate::caldav) fn session(&self, access: &Access) -> Answer<Session<'_>> {
        self.session_with(&access.data_centre, credentials::of_access(&access.token)?)
    }

    pub(in crate::caldav) fn session_with(&self, code: &str, (user, password): (&str, &str)) -> Answer<Session<'_>> {
        let authorization = credentials::basic(user, password)?;
        Ok(Session { caldav: self, server: self.server(code)?, authorization, user: user.to_owned() })
    }
}

impl Session<'_> {
    /// PROPFIND; gives the answer and where it came from after redirects.
    pub(in crate::caldav) async fn propfind(
        &self,
        what: &'static str,
        url: Url,
        depth: &'static str,
        body: String,
    ) -> Answer<(Reply, Url)> {
        self.query(what, "PROPFIND", url, depth, body).await
    }

    /// REPORT on a collection.
    pub(in crate::caldav) async fn report(&self, what: &'static str, url: Url, body: String) -> Answer<Reply> {
        self.query(what, "REPORT", url, "1", body).await.map(|(reply, _)| reply)
    }

    /// A query and where it was answered. Redirects are followed within the server's own origins alone.
    async fn query(
        &self,
        what: &'static str,
        method: &str,
        mut url: Url,
        depth: &'static str,
        body: String,
    ) -> Answer<(Reply, Url)> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| failure(FailureClass::Refused, what))?;
        for _ in 0..=MOST_HOPS {
            let mut headers = self.headers(XML);
            headers.insert(HeaderName::from_static("depth"), HeaderValue::from_static(depth));
            let reply = self.send(what, method.clone(), url.clone(), headers, body.clone()).await?;
            if !matches!(reply.status, 301 | 302 | 307 | 308) {
                return Ok((reply, url));
            }
            let target = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            url = self.resolve(what, &url, target.ok_or_else(|| malformed(what, "redirect", false))?)?;
        }
        Err(failure(FailureClass::Protocol, format!("{what}: the server redirects without end")))
    }

    /// GET of one resource.
    pub(in crate::caldav) async fn get(&self, what: &'static str, url: Url) -> Answer<Reply> {
        self.send(what, Method::GET, url, self.headers(""), String::new()).await
    }

    /// PUT of a calendar object.
    pub(in crate::caldav) async fn put(&self, what: &'static str, url: Url, only: Only<'_>, body: Vec<u8>) -> Answer<Reply> {
        let headers = condition(what, self.headers(ICALENDAR), only)?;
        self.send(what, Method::PUT, url, headers, body).await
    }

    /// DELETE of a resource.
    pub(in crate::caldav) async fn delete(&self, what: &'static str, url: Url, etag: &str) -> Answer<Reply> {
        let headers = condition(what, self.headers(""), Only::As(etag))?;
        self.send(what, Method::DELETE, url, headers, String::new()).await
    }

    fn headers(&self, content: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        if !content.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
        }
        headers
    }

    async fn send(
        &self,
        what: &'static str,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Answer<Reply> {
        if !self.server.allows(&url) {
            return Err(elsewhere(what));
        }
        let write = matches!(method, Method::PUT | Method::DELETE);
        let timing = &self.caldav.timing;
        let total = if write { timing.write } else { timing.read };
        let limits = Limits { total, body_bytes: BODY };
        let call = Call { what, method, url, headers, form: Vec::new(), body: body.into(), limits };
        self.caldav.http.send(call).await.map_err(|problem| unanswered(&problem, write))
    }

    /// Where a link of an answer leads: nowhere but to the server's own origins.
    pub(in crate::caldav) fn resolve(&self, what: &str, from: &Url, link: &str) -> Answer<Url> {
        let mut url = from.join(link.trim()).map_err(|_| malformed(what, "link", false))?;
        url.set_fragment(None);
        // An answer must not choose who is logged in.
        let clean = url.username().is_empty() && url.password().is_none();
        if clean && self.server.allows(&url) { Ok(url) } else { Err(elsewhere(what)) }
    }

    /// [`Session::resolve`] for a resource of a multistatus.
    pub(in crate::caldav) fn at(&self, what: &str, from: &Url, found: &Found<'_, '_>) -> Answer<Url> {
        self.resolve(what, from, found.href)
    }

    /// The collection that a calendar's uid names: its path, or its URL where that lies at another of the server's origins.
    pub(in crate::caldav) fn collection(&self, uid: &str) -> Answer<Url> {
        let wrong = || failure(FailureClass::Refused, "this is not the uid of a calendar");
        let whole = uid.starts_with("https://") || uid.starts_with("http://");
        if !(whole || uid.starts_with('/') && !uid.starts_with("//")) || !uid.ends_with('/') || uid.len() > 1_024 {
            return Err(wrong());
        }
        let url = self.server.url.join(uid).map_err(|_| wrong())?;
        let same = self.server.allows(&url) && self.uid(&url) == uid && url.query().is_none() && url.fragment().is_none();
        if same { Ok(url) } else { Err(wrong()) }
    }

    /// The uid of a calendar at this URL.
    pub(in crate::caldav) fn uid(&self, url: &Url) -> String {
        let path = url.path();
        let slash = if path.ends_with('/') { "" } else { "/" };
        let origin = if url.origin() == self.server.url.origin() { String::new() } else { url.origin().ascii_serialization() };
        format!("{origin}{path}{slash}")
    }
}

/// A resource of a collection, by the last segment of its path, which must come out as it went in.
pub(in crate::caldav) fn resource(collection: &Url, name: &str) -> Answer<Url> {
    let mut url = collection.clone();
    let path = format!("{}{name}", collection.path());
    url.set_path(&path);
    let plain = !name.is_empty() && name.len() <= 512 && !name.contains(['/', '\\', '?', '#']);
    if plain && url.path() == path { Ok(url) } else { Err(failure(FailureClass::Refused, "this is not the uid of an event")) }
}

/// The last segment of a path, if it is not a collection's.
pub(in crate::caldav) fn name_of(url: &Url) -> Option<String> {
    url.path_segments()?.next_back().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The etag of an answer, if it has one.
pub(in crate::caldav) fn etag(reply: &Reply) -> Option<String> {
    let value = reply.headers.get(ETAG)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn condition(what: &str, mut headers: HeaderMap, only: Only<'_>) -> Answer<HeaderMap> {
    match only {
        Only::New => headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*")),
        Only::As(etag) => {
            let value = HeaderValue::from_str(etag).ok().filter(|value| !value.is_empty() && etag.trim() != "*");
            // Without an etag nobody knows what would be overwritten.
            let unusable =
                || failure(FailureClass::Changed, format!("{what}: there is no usable etag; the event must be read again"));
            headers.insert(IF_MATCH, value.ok_or_else(unusable)?)
        }
    };
    Ok(headers)
}

fn elsewhere(what: &str) -> ports::calendar::ProviderError {
    failure(
        FailureClass::WrongDataCentre,
        format!(
            "{what}: the server leads to a host that is not on its list; add its origin in GREENROOM_CALDAV_SERVERS if it belongs to it"
        ),
    )
}
