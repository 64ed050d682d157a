//! A draft as HTML, by the one template of this crate. The template escapes every value.

use askama::Template;
use ports::mail::MailError;

use super::draft::{Block, Draft};

#[derive(Template)]
#[template(path = "letter.html")]
struct Page<'a> {
    draft: &'a Draft,
}

/// The page.
pub fn render(draft: &Draft) -> Result<String, MailError> {
    Page { draft }.render().map_err(|error| {
        MailError::Refused(format!(
            "the HTML of the message could not be made: {error}; this is a fault in Greenroom, please report it"
        ))
    })
}
