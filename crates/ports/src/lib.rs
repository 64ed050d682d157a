//! The few traits between the use cases and the world outside: Store, CalendarProvider, Mailer, Poster, Witness, ErasureList, Clock,
//! LeaseClock, Entropy, KeySource, SignOn.
//!
//! Adapters implement them; `app` is handed them as `dyn`. Errors here say what a caller can do about them, never how the adapter works.

pub mod backups;
pub mod calendar;
pub mod change;
pub mod erasures;
pub mod keys;
pub mod mail;
pub mod poster;
pub mod sign_on;
pub mod store;
pub mod witness;
pub mod world;

pub use backups::Backups;
pub use calendar::CalendarProvider;
pub use change::{Change, Conflict, Put};
pub use erasures::ErasureList;
pub use keys::{KeySource, KeySourceError};
pub use mail::Mailer;
pub use poster::Poster;
pub use sign_on::SignOn;
pub use store::Store;
pub use witness::Witness;
pub use world::{Clock, Entropy, LeaseClock};
