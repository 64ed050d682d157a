//! `multistatus` answers (RFC 4918 section 13). A DTD is refused, so no entity can grow; elements are counted and never recursed into.

use ports::calendar::{Answer, FailureClass};
use roxmltree::{Document, Node, ParsingOptions};

use super::refusal::{class_of, malformed, refused};
use crate::{failure::failure, http::Reply};

/// WebDAV's own names.
pub(in crate::caldav) const DAV: &str = "DAV:";
/// CalDAV's names.
pub(in crate::caldav) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Names that Apple's server began with.
pub(in crate::caldav) const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";

/// Elements and texts of one answer: some twelve for each event.
const MOST_NODES: u32 = 2_000_000;

/// What an answer says about one resource.
#[derive(Debug, Clone, Copy)]
pub(in crate::caldav) struct Found<'a, 'i> {
    response: Node<'a, 'i>,
    /// Where it is, as the server wrote it.
    pub href: &'a str,
}

impl<'a, 'i> Found<'a, 'i> {
    /// A property that was found.
    pub(in crate::caldav) fn prop(&self, space: &str, name: &str) -> Option<Node<'a, 'i>> {
        let good = |propstat: &Node<'_, '_>| status(*propstat).is_none_or(|status| status / 100 == 2);
        let groups = self.response.children().filter(|node| is(*node, DAV, "propstat")).filter(good);
        groups.filter_map(|propstat| child(propstat, DAV, "prop")).find_map(|prop| child(prop, space, name))
    }

    /// The text of a property, unless it is empty.
    pub(in crate::caldav) fn text(&self, space: &str, name: &str) -> Option<String> {
        self.prop(space, name).map(text).filter(|text| !text.trim().is_empty())
    }

    /// All `href`s in a property.
    pub(in crate::caldav) fn hrefs(&self, space: &str, name: &str) -> Vec<String> {
        let prop = self.prop(space, name);
        prop.into_iter().flat_map(|prop| prop.children()).filter(|node| is(*node, DAV, "href")).map(text).collect()
    }
}

/// Reads a 207 with `each`, one resource after the other. Whatever is missing, and any resource with an error, fails all.
pub(in crate::caldav) fn read<T>(what: &str, reply: &Reply, mut each: impl FnMut(&Found<'_, '_>) -> Answer<T>) -> Answer<Vec<T>> {
    if reply.status != 207 {
        return Err(refused(what, reply, false));
    }
    let body = std::str::from_utf8(&reply.body).map_err(|_| malformed(what, "text", false))?;
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(body, options).map_err(|_| malformed(what, "XML", false))?;
    let root = document.root_element();
    if !is(root, DAV, "multistatus") {
        return Err(malformed(what, "multistatus", false));
    }
    let mut found = Vec::new();
    for response in root.children().filter(|node| is(*node, DAV, "response")) {
        let href = child(response, DAV, "href").and_then(|href| href.text()).map(str::trim);
        let href = href.filter(|href| !href.is_empty()).ok_or_else(|| malformed(what, "href", false))?;
        if let Some(status) = status(response).filter(|status| status / 100 != 2) {
            let class = match class_of(status) {
                FailureClass::Changed => FailureClass::Protocol,
                class => class,
            };
            return Err(failure(class, format!("{what}: status {status} for a part of the answer")));
        }
        found.push(each(&Found { response, href })?);
    }
    Ok(found)
}

/// The code of a `status` such as `HTTP/1.1 404 Not Found`; of an unreadable one 0.
fn status(node: Node<'_, '_>) -> Option<u16> {
    let line = child(node, DAV, "status")?;
    Some(line.text().and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0))
}

/// Whether it is this element.
pub(in crate::caldav) fn is(node: Node<'_, '_>, space: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(space) && node.tag_name().name() == name
}

/// The first child of that name.
pub(in crate::caldav) fn child<'a, 'i>(node: Node<'a, 'i>, space: &str, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| is(*child, space, name))
}

/// All text directly in an element.
pub(in crate::caldav) fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::HeaderMap;

    use super::*;

    fn etags(status: u16, body: &str) -> Answer<Vec<(String, Option<String>)>> {
        let reply = Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) };
        read("list", &reply, |found| Ok((found.href.to_owned(), found.text(DAV, "getetag"))))
    }

    fn multistatus(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?><multistatus xmlns=\"DAV:\">{inside}</multistatus>")
    }

    #[test]
    fn properties_count_where_they_were_found() {
        let body = multistatus(
            "<response><href>/a/1.ics</href><propstat><prop><getetag>\"1\"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>\
             <response><href> /a/2.ics </href><propstat><prop><getetag>\"2\"</getetag></prop><status>HTTP/1.1 404 Not Found</status></propstat></response>",
        );
        assert_eq!(etags(207, &body).unwrap(), [("/a/1.ics".to_owned(), Some("\"1\"".to_owned())), ("/a/2.ics".to_owned(), None)]);
        assert_eq!(etags(207, &multistatus("")).unwrap(), []);
    }

    #[test]
    fn a_part_that_failed_fails_all() {
        for (line, class) in [
            ("HTTP/1.1 507 Insufficient Storage", FailureClass::Refused),
            ("HTTP/1.1 404 Not Found", FailureClass::Gone),
            ("HTTP/1.1 500 x", FailureClass::Passing),
            ("HTTP/1.1 412 x", FailureClass::Protocol),
            ("nonsense", FailureClass::Protocol),
        ] {
            let body = multistatus(&format!("<response><href>/a/</href><status>{line}</status></response>"));
            assert_eq!(etags(207, &body).unwrap_err().class, class, "{line}");
        }
    }

    #[test]
    fn what_is_no_multistatus_is_never_an_empty_one() {
        let bomb =
            "<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><multistatus xmlns=\"DAV:\">&b;</multistatus>";
        let cut = multistatus("")[..40].to_owned();
        let nameless = multistatus("<response><propstat/></response>");
        for body in ["", "<html/>", "{}", "<multistatus/>", bomb, cut.as_str(), nameless.as_str()] {
            assert_eq!(etags(207, body).unwrap_err().class, FailureClass::Protocol, "{body}");
        }
        assert_eq!(etags(200, &multistatus("")).unwrap_err().class, FailureClass::Protocol);
        assert_eq!(etags(404, &multistatus("")).unwrap_err().class, FailureClass::Gone);
    }

    #[test]
    fn deep_nesting_is_bounded() {
        let deep = multistatus(&"<a>".repeat(200_000));
        assert_eq!(etags(207, &deep).unwrap_err().class, FailureClass::Protocol);
        let closed = multistatus(&("<a>".repeat(100_000) + &"</a>".repeat(100_000)));
        assert_eq!(etags(207, &closed).unwrap(), [], "no depth is too deep: nothing recurses");
        let wide = multistatus(&"<a/>".repeat(MOST_NODES as usize));
        assert_eq!(etags(207, &wide).unwrap_err().class, FailureClass::Protocol);
    }
}
