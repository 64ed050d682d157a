//! Who calls the API and the first version's endpoints: API keys, their rights, and how often. A dashboard log-in does not count here:
//! browsers send cookies by themselves, keys are sent on purpose.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName, StatusCode, header},
};
use domain::access::{ApiKey, Right};
use ipnet::IpNet;

use super::limits::Wait;
use crate::{WebState, error};

/// Why a caller is not let in.
#[derive(Debug)]
pub(crate) enum Denied {
    /// There is no `Authorization` header.
    NoKey,
    /// The header does not say `Bearer`.
    NotBearer,
    /// No live key is that text.
    WrongKey,
    /// The key lacks this right.
    Lacks(Right),
    /// Too many calls.
    TooMany(Wait),
    /// It could not be looked up.
    Failed(app::Error),
}

impl From<Wait> for Denied {
    fn from(wait: Wait) -> Self {
        Self::TooMany(wait)
    }
}

impl Denied {
    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoKey | Self::NotBearer | Self::WrongKey => StatusCode::UNAUTHORIZED,
            Self::Lacks(_) => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(error) => error::status(error),
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoKey | Self::NotBearer | Self::WrongKey => "unauthorized",
            Self::Lacks(_) => "forbidden",
            Self::TooMany(_) => "too_many_requests",
            Self::Failed(error) => error.code(),
        }
    }

    /// What happened and what to do.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::NoKey => "this call needs an API key: add the header `Authorization: Bearer YOUR_KEY`; an administrator makes keys on the dashboard's page of keys".to_owned(),
            Self::NotBearer => "the Authorization header is not understood: send `Authorization: Bearer YOUR_KEY`".to_owned(),
            Self::WrongKey => "this API key is not known, has ended or was revoked: send a live one in the header `Authorization: Bearer YOUR_KEY`".to_owned(),
            Self::Lacks(right) => format!("this API key may not do that: it lacks the right `{}`; an administrator can make a key that has it", right.code()),
            Self::TooMany(Wait(seconds)) => format!("too many calls; try again in {seconds} s"),
            Self::Failed(error) => error.outside(),
        }
    }

    /// Seconds to wait, where waiting helps.
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(Wait(seconds)) => Some(*seconds),
            _ => None,
        }
    }
}

/// The address at the other end of the connection; the unspecified one where the server did not say.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical())
}

/// The live key of a request; `None` if it names none. Every call is counted.
pub(crate) async fn authenticate(state: &WebState, headers: &HeaderMap, peer: IpAddr) -> Result<Option<ApiKey>, Denied> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let open = state.open_oauth_from.iter().any(|network| network.contains(&peer));
        if open {
            state.limits.trusted(peer)?;
        } else {
            state.limits.address(peer)?;
        }
        return Ok(None);
    };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, key)) = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        state.limits.failure(peer)?;
        return Err(Denied::NotBearer);
    };
    let Some(key) = state.app.authenticate(key.trim()).await.map_err(Denied::Failed)? else {
        state.limits.failure(peer)?;
        // Counted for all nodes together, by network.
        let wait = state.app.wrong_api_key(peer).await.map_err(Denied::Failed)?;
        return Err(wait.map_or(Denied::WrongKey, |seconds| Denied::TooMany(Wait(seconds.unsigned_abs()))));
    };
    state.limits.key(key.id)?;
    Ok(Some(key))
}

/// The key of a request that must have one, with `right`.
pub(crate) async fn require(state: &WebState, headers: &HeaderMap, peer: IpAddr, right: Right) -> Result<ApiKey, Denied> {
    let key = authenticate(state, headers, peer).await?.ok_or(Denied::NoKey)?;
    if key.rights.contains(&right) {
        return Ok(key);
    }
    Err(lacks(state, &key, right).await)
}

/// The refusal of a key for want of a right, put on record.
pub(crate) async fn lacks(state: &WebState, key: &ApiKey, right: Right) -> Denied {
    match state.app.note_lacking(key.id, right).await {
        Ok(()) => Denied::Lacks(right),
        Err(error) => Denied::Failed(error),
    }
}

/// Whether the caller's address lies in a network that needs no key for the first version's endpoints. A request that came through a
/// proxy does not count: its address is the proxy's.
pub(crate) fn is_open_to(state: &WebState, headers: &HeaderMap, peer: IpAddr) -> bool {
    is_within(&state.open_oauth_from, headers, peer)
}

/// As [`is_open_to`], for any list of networks.
pub(crate) fn is_within(networks: &[IpNet], headers: &HeaderMap, peer: IpAddr) -> bool {
    let by_proxy = PROXY_HEADERS.iter().any(|name| headers.contains_key(name));
    !by_proxy && !peer.is_unspecified() && networks.iter().any(|network| network.contains(&peer))
}

/// What proxies add.
const PROXY_HEADERS: [HeaderName; 4] =
    [header::FORWARDED, header::VIA, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];
