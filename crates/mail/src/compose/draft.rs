//! What a message says before it has a form: a subject and blocks.

use ports::mail::{Letter, MailError};
use url::Url;

use crate::{
    clean,
    texts::{self, Texts, Values},
};

/// A message without a form.
pub struct Draft {
    /// The language of the texts, as HTML names it.
    pub language: String,
    /// The subject line.
    pub subject: String,
    /// What mail clients show after the subject: the first sentence.
    pub preview: String,
    /// The greeting, then everything else in order.
    pub blocks: Vec<Block>,
    /// What stands beneath.
    pub footer: Vec<String>,
}

/// A piece of a message.
pub enum Block {
    /// A sentence or a few.
    Paragraph(String),
    /// The title of what follows.
    Heading(String),
    /// Names with values.
    Facts(Vec<Fact>),
    /// A list.
    Points(Vec<String>),
    /// The one thing to do.
    Button {
        /// What happens.
        label: String,
        /// Where.
        url: Url,
        /// What stands before the bare address in HTML.
        hint: String,
    },
    /// Something else one can do.
    Link {
        /// What happens.
        label: String,
        /// Where.
        url: Url,
    },
    /// What somebody wrote, with its line breaks.
    Quote(String),
}

/// A name with its value.
pub struct Fact {
    /// Its name.
    pub label: String,
    /// Its value, in one or more lines.
    pub lines: Vec<String>,
    /// Where the value leads, if it is an address on the web.
    pub url: Option<Url>,
}

/// Writes a draft with the texts of the message file.
pub struct Writer<'a> {
    letter: &'a Letter,
    texts: &'static Texts,
    values: Values,
    blocks: Vec<Block>,
}

impl<'a> Writer<'a> {
    /// Begins with what every letter has: a greeting, and company and addressee as values.
    pub fn new(letter: &'a Letter) -> Self {
        let mut writer = Self { letter, texts: texts::english(), values: Values::new(), blocks: Vec::new() };
        writer.set("company", &letter.company);
        writer.set("name", &letter.to.name);
        writer
    }

    /// The letter.
    pub const fn letter(&self) -> &'a Letter {
        self.letter
    }

    /// Whether the message file has this text.
    pub fn has(&self, key: &str) -> bool {
        self.texts.has(key)
    }

    /// A value for the texts: one line, at most [`clean::NAME`] characters.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.values.insert(name, clean::line(value, clean::NAME));
    }

    /// A text with the values so far.
    pub fn say(&self, key: &str) -> Result<String, MailError> {
        Ok(self.texts.fill(key, &self.values)?)
    }

    /// A text with more values, for this once.
    pub fn say_with<const N: usize>(&self, key: &str, more: [(&'static str, String); N]) -> Result<String, MailError> {
        let mut values = self.values.clone();
        values.extend(more);
        Ok(self.texts.fill(key, &values)?)
    }

    /// `key.one` or `key.many`.
    pub fn count(&self, key: &str, count: i64) -> Result<String, MailError> {
        let form = if count == 1 { "one" } else { "many" };
        self.say_with(&format!("{key}.{form}"), [("count", count.to_string())])
    }

    /// A paragraph.
    pub fn paragraph(&mut self, key: &str) -> Result<(), MailError> {
        self.push(Block::Paragraph(self.say(key)?));
        Ok(())
    }

    /// A title with a list beneath.
    pub fn points(&mut self, title: &str, keys: &[&str]) -> Result<(), MailError> {
        self.push(Block::Heading(self.say(title)?));
        let points = keys.iter().map(|key| self.say(key)).collect::<Result<_, _>>()?;
        self.push(Block::Points(points));
        Ok(())
    }

    /// The one thing to do.
    pub fn button(&mut self, key: &str, url: &Url) -> Result<(), MailError> {
        self.push(Block::Button { label: self.say(key)?, url: url.clone(), hint: self.say("button.url")? });
        Ok(())
    }

    /// Something else one can do.
    pub fn link(&mut self, key: &str, url: &Url) -> Result<(), MailError> {
        self.push(Block::Link { label: self.say(key)?, url: url.clone() });
        Ok(())
    }

    /// A fact of one line.
    pub fn fact(&self, key: &str, value: &str) -> Result<Fact, MailError> {
        Ok(Fact { label: self.say(key)?, lines: vec![clean::line(value, clean::NAME)], url: None })
    }

    /// Any block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Ends the draft. In the subject every value is short, so that the end of the line is still read.
    pub fn finish(&mut self, subject: &str) -> Result<Draft, MailError> {
        let short: Values = self.values.iter().map(|(name, value)| (*name, clean::line(value, clean::IN_SUBJECT))).collect();
        let greeting = self.say(if self.values.get("name").is_some_and(String::is_empty) { "hello.nameless" } else { "hello" })?;
        let mut blocks = vec![Block::Paragraph(greeting)];
        let preview =
            self.blocks.iter().find_map(|block| if let Block::Paragraph(text) = block { Some(text.clone()) } else { None });
        blocks.append(&mut self.blocks);
        let mut footer = vec![self.say("footer")?];
        // Whoever is the contact need not be told to write to themselves.
        if let Some(contact) = self.letter.reply_to.as_ref().filter(|contact| **contact != self.letter.to.email) {
            footer.push(self.say_with("footer.reply", [("reply_to", contact.to_string())])?);
        }
        Ok(Draft {
            language: self.say("language")?,
            subject: self.texts.fill(subject, &short)?,
            preview: preview.unwrap_or_default(),
            blocks,
            footer,
        })
    }
}
