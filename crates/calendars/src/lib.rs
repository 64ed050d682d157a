//! Calendar providers behind `ports::CalendarProvider`: outbound HTTP with limits, a registry by name, Zoho, and CalDAV.
//!
//! Single sign-on stands here too, in `oidc/`, because outbound HTTP has this one room.
//!
//! A further provider is one more folder beside `zoho/` and one line where the registry is filled.
//!
//! **Invariant:** no failure becomes an empty answer, a default or "free"; no error text holds a secret, an address, a title, a
//! URL's query or a piece of a body.

pub mod caldav;
mod failure;
pub mod http;
pub mod oidc;
pub mod registry;
pub mod webhooks;
pub mod zoho;

pub use caldav::{Caldav, CaldavConfig};
pub use oidc::{Oidc, OidcConfig};
pub use registry::Registry;
pub use webhooks::Webhooks;
pub use zoho::{Zoho, ZohoConfig};
