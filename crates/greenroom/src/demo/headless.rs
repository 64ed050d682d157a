//! The walk over HTTP alone. Written when the API is there.

use std::process::ExitCode;

/// Where to walk.
pub struct Places {
    pub greenroom: String,
    pub zoho: String,
    pub key: String,
}

/// Does the walk.
pub async fn walk(places: &Places) -> ExitCode {
    println!("{} {} {}", places.greenroom, places.zoho, places.key.len());
    ExitCode::FAILURE
}
