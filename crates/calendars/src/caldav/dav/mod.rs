//! WebDAV as CalDAV uses it (RFC 4918, RFC 4791): one way to call, bodies to send, answers to read.

pub(super) mod multistatus;
pub(super) mod refusal;
pub(super) mod requests;
pub(super) mod session;
