//! Why a database could not be opened, in words for the operator who reads the start-up log.

/// Every sentence says what to do. None repeats the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// `DATABASE_URL` is neither a file nor a PostgreSQL URL.
    #[error(
        "DATABASE_URL is not understood: {0}; give a file (`sqlite:/var/lib/greenroom/greenroom.db`) or a `postgres://user@host/database` URL"
    )]
    Url(String),
    /// The SQLite file cannot be used.
    #[error(
        "the database file {path} cannot be opened: {why}; check that its folder exists and that this user may write there, or name another file in DATABASE_URL"
    )]
    File {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// PostgreSQL cannot be reached or refused the log-in.
    #[error(
        "the PostgreSQL server cannot be used: {0}; check host, user, password and TLS in DATABASE_URL (`sslmode=disable` only on a network you trust, `sslrootcert=FILE` for an authority of your own), and that the server is running"
    )]
    Server(String),
    /// The file of `sslrootcert` holds no certificate.
    #[error(
        "the certificate file {path} named by sslrootcert in DATABASE_URL cannot be used: {why}; give a PEM file with the server's root certificate"
    )]
    Certificate {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A newer release changed the schema in a way this one cannot work with.
    #[error(
        "the database has schema {found}, written by a newer release, and this one knows only up to {known}; start the newer release, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// What the database has.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// A migration failed; nothing of it was written.
    #[error("the schema could not be brought up to date: {0}; nothing was changed; mend the cause and start again")]
    Migration(String),
}
