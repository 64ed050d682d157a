//! The nouns of Greenroom and what may happen to them: types, states and pure decisions. No I/O, no clock, no randomness.
//!
//! One module per noun; the same noun has the same module name in `app`, `store` and `web`. Every stored noun carries `rev`: the
//! revision that a write expects to create. A noun read at revision 4 is changed by [`Revision::touch`] (now 5) and written only if
//! the store still holds 4.

pub mod access;
pub mod alerts;
pub mod audit;
pub mod backups;
pub mod calls;
pub mod candidacies;
pub mod choices;
pub mod claims;
pub mod email;
pub mod erasure;
pub mod feedback;
pub mod gates;
pub mod grants;
pub mod held;
pub mod id;
pub mod interviews;
pub mod jobs;
pub mod links;
pub mod mails;
pub mod people;
pub mod reality;
pub mod rounds;
pub mod vacancies;

pub use email::EmailAddress;
pub use id::Id;
pub use jiff::Timestamp;
pub use scheduling::{TimeRange, Zone};

/// A stored noun's revision: 1 is the insert, every later write adds one.
pub type Rev = i64;

/// Nouns that are written by compare-and-swap on their revision.
pub trait Revision {
    /// The revision this value stands for.
    fn rev(&self) -> Rev;
    /// Moves to the next revision; call it once per change, before the write.
    fn touch(&mut self);
}

/// Implements [`Revision`] for a struct with a public `rev` field.
macro_rules! revisioned {
    ($($noun:ty),+ $(,)?) => {$(
        impl Revision for $noun {
            fn rev(&self) -> Rev { self.rev }
            fn touch(&mut self) { self.rev += 1; }
        }
    )+};
}

revisioned!(
    access::Account,
    access::ApiKey,
    access::Session,
    alerts::Alert,
    candidacies::Candidacy,
    choices::Choice,
    erasure::Erasure,
    feedback::Feedback,
    grants::Grant,
    grants::IssuedToken,
    interviews::Interview,
    links::Link,
    people::Person,
    reality::Look,
    vacancies::Vacancy,
);
