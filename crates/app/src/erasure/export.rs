//! Everything held about a person, as one document.

use domain::{
    Id, Timestamp,
    erasure::{Erasure, Held},
    people::Person,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{App, Caller, Result};

/// Longer runs of the letters that tokens are made of are cut out of every text: ids are shorter.
const LONGEST_WORD: usize = 40;
/// What stands in their place.
const REMOVED: &str = "[removed]";

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// Who.
    pub person: Id<Person>,
    /// When it was made.
    pub exported_at: Timestamp,
    /// How an erasure stands, if one was asked for.
    pub erasure: Option<Erasure>,
    /// Whether feedback is in it: what a candidate may read of it is the company's decision.
    pub feedback: bool,
    /// Tables with their rows.
    pub held: Vec<Held>,
}

impl App {
    /// Everything held about a person. With `feedback`, also what was thought of them or what they wrote of others.
    pub async fn export_person(&self, id: Id<Person>, feedback: bool, caller: &Caller) -> Result<Export> {
        self.person(id).await?;
        let mut held = self.store().held(id).await?;
        held.retain(|held| feedback || held.table != "feedback");
        for row in held.iter_mut().flat_map(|held| &mut held.rows) {
            row.values_mut().for_each(clean);
        }
        let mut draft = self.draft(caller);
        draft.audit("person.exported", id, json!({"feedback": feedback}));
        let exported_at = draft.now;
        self.commit(draft.finish()).await?;
        Ok(Export { person: id, exported_at, erasure: self.store().erasure(id).await?, feedback, held })
    }
}

/// Takes tokens of links out of a value. Lines that iCalendar folded are joined first (RFC 5545, section 3.1).
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            let joined = text.replace("\r\n ", "");
            let mut words = String::with_capacity(joined.len());
            let mut word = String::new();
            for letter in joined.chars() {
                if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') {
                    word.push(letter);
                } else {
                    flush(&mut word, &mut words);
                    words.push(letter);
                }
            }
            flush(&mut word, &mut words);
            *text = words;
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(items) => items.values_mut().for_each(clean),
        _ => {}
    }
}

fn flush(word: &mut String, words: &mut String) {
    words.push_str(if word.len() >= LONGEST_WORD { REMOVED } else { word });
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_and_ids_and_words_stay() {
        let token = "A".repeat(64);
        let mut value =
            json!({"text": format!("Open http://localhost:8040/c/{token} now, itv_00000000000000000000000000000007."), "n": 3});
        clean(&mut value);
        assert_eq!(value["text"], "Open http://localhost:8040/c/[removed] now, itv_00000000000000000000000000000007.");
        let folded = format!("URL:http://localhost/c/{}\r\n {}", &token[..30], &token[30..]);
        let mut value = json!([folded]);
        clean(&mut value);
        assert_eq!(value, json!(["URL:http://localhost/c/[removed]"]));
    }
}
