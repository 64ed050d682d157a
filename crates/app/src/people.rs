//! Managers and candidates.

use std::{collections::BTreeSet, str::FromStr};

use domain::{
    EmailAddress, Id, Timestamp, Zone,
    grants::{Budget, Grant, GrantState, PendingReason, budget},
    people::Person,
};
use ports::{Put, change::Scope, store::Page};
use scheduling::Rules;
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
};

/// Longest name, title or other one-line text, in characters.
pub(crate) const MAX_LINE: usize = 200;

/// A manager as an integrator describes them.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct PersonInput {
    /// As mails address them; the address's local part where absent.
    pub name: Option<String>,
    /// Where mail goes.
    pub email: String,
    /// Further addresses.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// An IANA zone.
    pub zone: Option<String>,
    /// When they can be booked; the shape of [`Rules`].
    pub rules: Option<serde_json::Value>,
    /// What they can examine; what is known stays where absent.
    pub skills: Option<Vec<String>>,
    /// The integrator's id.
    pub external_id: Option<String>,
}

/// A candidate as an integrator describes them.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct CandidateInput {
    /// As mails address them.
    pub name: String,
    /// Where mail goes.
    pub email: String,
    /// An IANA zone, if known.
    pub zone: Option<String>,
    /// The integrator's id.
    pub external_id: Option<String>,
}

/// A grant without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantView {
    /// Which.
    pub id: Id<Grant>,
    /// How it stands.
    pub state: GrantState,
    /// Whether it works now.
    pub has_valid_token: bool,
    /// The provider's name.
    pub provider: String,
    /// Where the account lives.
    pub data_centre: Option<String>,
    /// The account's address.
    pub account: Option<EmailAddress>,
    /// The chosen calendar's name.
    pub calendar: Option<String>,
    /// The chosen calendar's zone.
    pub zone: Option<Zone>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// When it became active.
    pub connected_at: Option<Timestamp>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// The last refresh that worked.
    pub refreshed_at: Option<Timestamp>,
    /// When the next is due.
    pub next_refresh_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// The last failure's class.
    pub last_failure: Option<String>,
    /// How much of what the provider allows is used.
    pub budget: Budget,
    /// Mails asking for permission so far, and the next one.
    pub asked: Option<(u32, Option<Timestamp>)>,
    /// A connection that waits for an administrator: who, why, since when.
    pub pending: Option<(EmailAddress, PendingReason, Timestamp)>,
}

/// A manager with their grant.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagerView {
    /// Who.
    pub person: Person,
    /// Their grant, if it was ever asked for.
    pub grant: Option<GrantView>,
}

impl GrantView {
    /// What may be shown of a grant.
    pub(crate) fn of(grant: &Grant, now: Timestamp) -> Self {
        Self {
            id: grant.id,
            state: grant.state,
            has_valid_token: grant.has_valid_token(now),
            provider: grant.provider.clone(),
            data_centre: grant.data_centre.clone(),
            account: grant.account.as_ref().map(|account| account.email.clone()),
            calendar: grant.calendar.as_ref().map(|calendar| calendar.name.clone()),
            zone: grant.calendar.as_ref().and_then(|calendar| calendar.zone.clone()),
            scopes: grant.scopes.clone(),
            connected_at: grant.connected_at,
            expires_at: grant.tokens.as_ref().map(|tokens| tokens.access_expires_at),
            refreshed_at: grant.refresh.succeeded_at,
            next_refresh_at: grant.refresh.next_at,
            failures: grant.refresh.failures,
            last_failure: grant.refresh.last_failure.clone(),
            budget: budget(grant, now),
            asked: grant.request.as_ref().map(|request| (request.count, request.next_at)),
            pending: grant.pending.as_ref().map(|pending| (pending.account.email.clone(), pending.why, pending.since)),
        }
    }
}

impl App {
    /// A person by id.
    pub async fn person(&self, id: Id<Person>) -> Result<Person> {
        self.store().person(id).await?.ok_or_else(|| Error::missing("person", id))
    }

    /// A person by address.
    pub async fn person_by(&self, email: &str, field: &'static str) -> Result<Person> {
        let address: EmailAddress = email.parse().map_err(|error| Error::invalid(field, error))?;
        self.store().person_by_email(&address).await?.ok_or_else(|| Error::missing("person", address))
    }

    /// One manager with their grant.
    pub async fn manager(&self, id: Id<Person>) -> Result<ManagerView> {
        let person = self.person(id).await?;
        let grant = self.grant_of(id).await?;
        Ok(ManagerView { person, grant: grant.map(|grant| GrantView::of(&grant, self.now())) })
    }

    /// Everybody whose permission was ever asked for.
    pub async fn managers(&self, page: Page) -> Result<Vec<ManagerView>> {
        let grants = self.current_grants(page).await?;
        let ids: Vec<_> = grants.iter().map(|grant| grant.person).collect();
        let persons = self.store().persons(&ids).await?;
        let now = self.now();
        Ok(grants
            .iter()
            .filter_map(|grant| {
                let person = persons.iter().find(|person| person.id == grant.person)?.clone();
                Some(ManagerView { person, grant: Some(GrantView::of(grant, now)) })
            })
            .collect())
    }

    /// Makes a manager known, or changes what is known; the address is the key.
    pub async fn put_manager(&self, input: PersonInput, caller: &Caller) -> Result<Person> {
        let email: EmailAddress = parse("email", &input.email)?;
        let aliases = input.aliases.iter().map(|alias| parse("aliases", alias)).collect::<Result<Vec<EmailAddress>>>()?;
        let zone = input.zone.as_deref().map(|zone| Zone::new(zone).map_err(|error| Error::invalid("zone", error))).transpose()?;
        let rules = input.rules.clone().map(read_rules).transpose()?;
        let name = input.name.as_deref().map(|name| line("name", name)).transpose()?;
        let learned = input.skills.as_deref().map(|list| skills("skills", list)).transpose()?;
        let (input, email, aliases, zone, rules, name, learned) = (&input, &email, &aliases, &zone, &rules, &name, &learned);
        self.transact(None, || async move {
            let mut draft = self.draft(caller);
            let Some(known) = self.store().person_by_email(email).await? else {
                let mut person = self.new_person(email, name.as_deref(), zone.clone(), input.external_id.as_deref(), &mut draft)?;
                amend(&mut person, aliases, rules.as_ref(), &mut draft);
                person.skills = learned.clone().unwrap_or_default();
                draft.put(Put::Person(person.clone()));
                let mut change = draft.finish();
                // The amended person replaces the one `new_person` put.
                let first = change.puts.iter().position(|put| matches!(put, Put::Person(_)));
                if let Some(first) = first {
                    change.puts.remove(first);
                }
                return Ok((change, person));
            };
            let mut person = touched(&known);
            if let Some(name) = name {
                person.name.clone_from(name);
            }
            if zone.is_some() {
                person.zone.clone_from(zone);
            }
            amend(&mut person, aliases, rules.as_ref(), &mut draft);
            if let Some(learned) = learned {
                person.skills.clone_from(learned);
            }
            if let Some(external_id) = &input.external_id {
                draft.take(Scope::PersonExternalId, external_id, person.id);
                person.external_id = Some(external_id.clone());
            }
            draft.audit("person.changed", person.id, json!({}));
            draft.put(Put::Person(person.clone()));
            self.arrange_all(person.id, &mut draft).await?;
            Ok((draft.finish(), person))
        })
        .await
    }

    /// A new person in the draft.
    pub(crate) fn new_person(
        &self,
        email: &EmailAddress,
        name: Option<&str>,
        zone: Option<Zone>,
        external_id: Option<&str>,
        draft: &mut Draft<'_>,
    ) -> Result<Person> {
        let fallback = || email.as_str().split('@').next().unwrap_or_default().to_owned();
        let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => line("name", name)?,
            None => fallback(),
        };
        let person = Person {
            id: self.id(),
            rev: 1,
            name,
            emails: vec![email.clone()],
            zone,
            rules: None,
            skills: BTreeSet::new(),
            external_id: external_id.map(ToOwned::to_owned),
            created_at: draft.now,
        };
        draft.take(Scope::Email, email.key(), person.id);
        if let Some(external_id) = external_id {
            draft.take(Scope::PersonExternalId, line("external_id", external_id)?, person.id);
        }
        draft.audit("person.created", person.id, json!({}));
        draft.put(Put::Person(person.clone()));
        Ok(person)
    }
}

fn amend(person: &mut Person, aliases: &[EmailAddress], rules: Option<&Rules>, draft: &mut Draft<'_>) {
    for alias in aliases {
        if !person.has(alias) {
            draft.take(Scope::Email, alias.key(), person.id);
            person.emails.push(alias.clone());
        }
    }
    if let Some(rules) = rules {
        person.rules = Some(rules.clone());
    }
}

fn read_rules(value: serde_json::Value) -> Result<Rules> {
    // `Rules` exist only checked, so reading them is checking them.
    serde_json::from_value(value).map_err(|error| Error::invalid("rules", error))
}

/// Most skills of one person, or of one group of seats.
const MOST_SKILLS: usize = 50;

/// Skills as they are compared: small letters, each once.
pub(crate) fn skills(field: &'static str, list: &[String]) -> Result<BTreeSet<String>> {
    if list.len() > MOST_SKILLS {
        return Err(Error::invalid(field, format!("name at most {MOST_SKILLS} skills")));
    }
    list.iter().map(|text| line(field, text).map(|text| text.to_lowercase())).collect()
}

/// Parses a field, naming it in the error.
pub(crate) fn parse<T: FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error| Error::invalid(field, error))
}

/// A one-line text: trimmed, not empty, not long, without control characters.
pub(crate) fn line(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > MAX_LINE {
        return Err(Error::invalid(field, format!("must not be longer than {MAX_LINE} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must be one line without control characters"));
    }
    Ok(text.to_owned())
}
