//! Who really calls: behind a trusted proxy it is the address the proxy names. And whoever comes in the clear to a TLS port is sent on.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use url::Url;

use super::Peer;

/// What the first layer needs to know.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address people use: where plain requests are sent on to.
    pub public_url: Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// Puts the door before `routes`: behind it, `ConnectInfo<SocketAddr>` is the caller's address.
pub fn through(routes: Router, door: Door) -> Router {
    routes.layer(from_fn_with_state(std::sync::Arc::new(door), pass))
}

async fn pass(State(door): State<std::sync::Arc<Door>>, mut request: Request, next: Next) -> Response {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<Peer>>().copied() else {
        return next.run(request).await;
    };
    if peer.must_go_to_https {
        return to_https(&door.public_url, request.uri().path_and_query().map_or("/", |path| path.as_str()));
    }
    let address = caller(&door.trusted_proxies, peer.address, request.headers());
    request.extensions_mut().insert(ConnectInfo(address));
    next.run(request).await
}

/// 308 keeps method and body (RFC 9110, section 15.4.9). The host is ours, never the one the request names.
fn to_https(public_url: &Url, path: &str) -> Response {
    let mut target = public_url.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    target.set_path(path);
    target.set_query(query);
    match HeaderValue::from_str(target.as_str()) {
        Ok(value) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, value)], "Use https.\n").into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The last address in `X-Forwarded-For` that is not itself a trusted proxy. Entries before it were written by strangers. What cannot be
/// read leaves the proxy's own address, which no one is let off by.
fn caller(trusted: &[IpNet], peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut nearest = peer.ip().to_canonical();
    if !is_trusted(nearest) {
        return peer;
    }
    let values = headers.get_all(HeaderName::from_static("x-forwarded-for")).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|text| text.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        let Some(address) = parse(hop) else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    SocketAddr::new(nearest, if nearest == peer.ip().to_canonical() { peer.port() } else { 0 })
}

/// An address with or without a port, as proxies write it.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').split(']').next().unwrap_or(hop);
    let parsed = hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.or_else(|_| bare.parse::<IpAddr>()).ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called_by(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "::1/128"].iter().map(|text| text.parse().unwrap()).collect();
        caller(&trusted, peer.parse().unwrap(), &headers).ip().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_word() {
        assert_eq!(called_by("192.0.2.9:4", &["198.51.100.7"]), "192.0.2.9");
        assert_eq!(called_by("10.0.0.1:4", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(called_by("10.0.0.1:4", &["127.0.0.1, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(called_by("10.0.0.1:4", &["127.0.0.1", "198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(called_by("[::1]:4", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(called_by("10.0.0.1:4", &["198.51.100.7:8080"]), "198.51.100.7");
        assert_eq!(called_by("[::ffff:10.0.0.1]:4", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_proxy_itself() {
        for forwarded in [&[][..], &["unknown"], &[""], &["198.51.100.7, nonsense"]] {
            assert_eq!(called_by("10.0.0.1:4", forwarded), "10.0.0.1", "{forwarded:?}");
        }
    }

    #[test]
    fn a_plain_request_is_sent_to_the_public_address_and_to_no_other() {
        let public = "https://greenroom.example.com".parse().unwrap();
        for (path, location) in [
            ("/c/abc?x=1&y=%20", "https://greenroom.example.com/c/abc?x=1&y=%20"),
            ("//evil.example.org/a", "https://greenroom.example.com//evil.example.org/a"),
            ("/", "https://greenroom.example.com/"),
        ] {
            let answer = to_https(&public, path);
            assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(answer.headers()[header::LOCATION], location);
        }
    }
}
