//! What `greenroom doctor` asks of a running installation's inside: the clocks, the client at each data centre, and every grant with its
//! calendar. Reads only, and refreshes an access token where one has run out.

use std::collections::BTreeSet;

use domain::{
    TimeRange,
    grants::{Grant, GrantState},
};
use ports::{
    calendar::{Answer, CalendarInfo, Consent, ConsentServer, Event, FailureClass, ListMode, ProviderError},
    store::Page,
};
use url::Url;

use crate::{App, Error, Result, draft::later};

/// How far ahead a calendar is looked at.
const WINDOW_DAYS: i64 = 14;
/// More than this between the machine's clock and the database's is a warning; Zoho and leases tolerate it.
const SKEW_SECONDS: i64 = 5;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Good,
    /// Works, and should be looked at.
    Warning,
    /// Does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: a short stable name such as `client` or `calendar`.
    pub what: &'static str,
    /// How it stands.
    pub condition: Condition,
    /// What was seen, and what to do where it is not good.
    pub says: String,
}

impl Finding {
    /// All is well.
    pub fn good(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, condition: Condition::Good, says: says.into() }
    }

    /// Should be looked at.
    pub fn warning(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, condition: Condition::Warning, says: says.into() }
    }

    /// Does not work.
    pub fn bad(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, condition: Condition::Bad, says: says.into() }
    }
}

impl App {
    /// Looks at clocks, client and at most `grants` grants with their calendars, oldest first.
    pub async fn examine(&self, grants: u32) -> Result<Vec<Finding>> {
        let mut found = vec![self.examine_clocks().await?];
        let mut all = self.store().grants(Page::first(grants.clamp(1, 200))).await?;
        all.retain(|grant| !matches!(grant.state, GrantState::Requested | GrantState::Refused));
        for provider in self.providers() {
            if let Consent::Password { servers } = provider.consent() {
                for server in servers {
                    found.push(password_server(&server, provider.probe_client(&server.code).await));
                }
                continue;
            }
            let mine = all.iter().filter(|grant| grant.provider == provider.name());
            let mut centres: BTreeSet<String> = mine.filter_map(|grant| grant.data_centre.clone()).collect();
            if centres.is_empty() {
                centres.extend(provider.data_centre(None, None));
            }
            for centre in centres {
                found.push(client(&centre, provider.probe_client(&centre).await));
            }
        }
        if all.is_empty() {
            found.push(Finding::good("grants", "nobody has connected a calendar yet"));
        }
        for grant in &all {
            self.examine_grant(grant, &mut found).await?;
        }
        Ok(found)
    }

    async fn examine_clocks(&self) -> Result<Finding> {
        let before = self.now();
        let database = self.store().lease_now().await?;
        let after = self.now();
        // The answer was given somewhere between the two readings.
        let ahead = (before.as_second() - database.as_second()).max(0).max(database.as_second() - after.as_second());
        Ok(if ahead <= SKEW_SECONDS {
            Finding::good("clock", "this machine's clock agrees with the database's")
        } else {
            Finding::bad(
                "clock",
                format!("this machine's clock and the database's are {ahead} s apart; let both follow the same time service (NTP)"),
            )
        })
    }

    async fn examine_grant(&self, grant: &Grant, found: &mut Vec<Finding>) -> Result<()> {
        let id = grant.id;
        let person = self.store().person(grant.person).await?.ok_or_else(|| Error::missing("person", grant.person))?;
        let who = person.name;
        match grant.state {
            GrantState::Active => {}
            GrantState::Dead => {
                found.push(Finding::bad(
                    "grant",
                    format!("{who} ({id}): the permission has ended; the manager has a fresh link, ask them to use it"),
                ));
                return Ok(());
            }
            _ => {
                found.push(Finding::good("grant", format!("{who} ({id}): not in use")));
                return Ok(());
            }
        }
        let provider = self.provider_named(&grant.provider)?;
        let given: BTreeSet<&String> = grant.scopes.iter().collect();
        let missing: Vec<String> = provider.required_scopes().into_iter().filter(|scope| !given.contains(scope)).collect();
        if !grant.scopes.is_empty() && !missing.is_empty() {
            found.push(Finding::bad(
                "scopes",
                format!("{who} ({id}): {} was not granted; ask for permission again", missing.join(", ")),
            ));
        }
        let calendars = self.with_access(id, |held| async move { provider.calendars(&held).await }).await;
        found.push(calendar(&who, grant, &calendars));
        let Some(chosen) = grant.calendar.as_ref().filter(|_| calendars.is_ok()) else { return Ok(()) };
        let now = self.now();
        let window = TimeRange::new(now, later(now, WINDOW_DAYS * 24 * 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        let uid = chosen.uid.as_str();
        let events =
            self.with_access(id, |held| async move { provider.events(&held, uid, window, ListMode::WithDescription).await }).await;
        match events {
            Ok(events) => found.extend(shared(&who, grant, &events, &self.settings().public_url)),
            Err(error) => found.push(Finding::bad("calendar", format!("{who} ({id}): {}", cure(&error)))),
        }
        Ok(())
    }
}

/// Whether the provider knows our client.
fn client(centre: &str, answer: Answer<()>) -> Finding {
    match answer {
        Ok(()) => Finding::good("client", format!("data centre {centre} knows our client id and secret")),
        Err(error) if error.class == FailureClass::Misconfigured => Finding::bad(
            "client",
            format!(
                "data centre {centre} refuses our client id or secret; compare ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET (or its own ZOHO_CLIENT_SECRET_{}) with the API console, and switch Multi-DC on there",
                centre.to_uppercase()
            ),
        ),
        Err(error) => Finding::warning("client", format!("data centre {centre}: {}", cure(&error))),
    }
}

/// Whether a server at which people use app passwords answers.
fn password_server(server: &ConsentServer, answer: Answer<()>) -> Finding {
    match answer {
        Ok(()) => Finding::good("caldav", format!("{} answers, and refuses a password that nobody has", server.name)),
        Err(error) if error.class == FailureClass::Protocol && error.detail.contains("no token") => {
            Finding::bad("caldav", format!("{} lets in whoever comes; give it accounts with passwords", server.name))
        }
        Err(error) => Finding::bad(
            "caldav",
            format!(
                "{} could not be asked ({}); compare its address in GREENROOM_CALDAV_SERVERS with what the server's documents name, and check the way from this machine to it",
                server.name, error.detail
            ),
        ),
    }
}

fn calendar(who: &str, grant: &Grant, answer: &Answer<Vec<CalendarInfo>>) -> Finding {
    let id = grant.id;
    let calendars = match answer {
        Ok(calendars) => calendars,
        Err(error) => return Finding::bad("calendar", format!("{who} ({id}): {}", cure(error))),
    };
    let Some(chosen) = &grant.calendar else {
        return Finding::bad("calendar", format!("{who} ({id}): no calendar is chosen; choose one on the manager's page"));
    };
    let Some(info) = calendars.iter().find(|info| info.uid == chosen.uid) else {
        return Finding::bad(
            "calendar",
            format!("{who} ({id}): the chosen calendar is gone; choose another on the manager's page"),
        );
    };
    if !info.writable {
        return Finding::bad("calendar", format!("{who} ({id}): the chosen calendar cannot be written; choose another"));
    }
    if info.in_free_busy == Some(false) {
        return Finding::warning(
            "free/busy",
            format!(
                "{who} ({id}): the chosen calendar is not included in the account's free/busy, so colleagues and other programs see these interviews as free time; switch it on in the calendar's settings"
            ),
        );
    }
    Finding::good("calendar", format!("{who} ({id}): can be read and written"))
}

/// Events that another installation made in the same calendar: two environments share a manager, and perhaps a client.
fn shared(who: &str, grant: &Grant, events: &[Event], public_url: &Url) -> Option<Finding> {
    let ours = public_url.origin();
    let others: BTreeSet<String> = events
        .iter()
        .filter_map(|event| event.url.as_deref()?.parse::<Url>().ok())
        .filter(|url| url.path().contains("/interviews/itv_") && url.origin() != ours)
        .map(|url| url.origin().ascii_serialization())
        .collect();
    if others.is_empty() {
        return None;
    }
    Some(Finding::warning(
        "client",
        format!(
            "{who} ({}): another installation ({}) books in the same calendar; if it uses the same client, each new connection there ends an older one here (Zoho keeps 20 for each user and client): give every environment a client of its own",
            grant.id,
            others.into_iter().collect::<Vec<_>>().join(", ")
        ),
    ))
}

fn cure(error: &ProviderError) -> String {
    let detail = &error.detail;
    match error.class {
        FailureClass::Revoked => format!("the permission has ended ({detail}); ask the manager for it again"),
        FailureClass::Throttled => format!("the provider asks us to wait ({detail}); try again in some minutes"),
        FailureClass::Misconfigured => format!("the provider refuses our client ({detail}); see `client`"),
        _ => format!("the provider could not be asked ({detail}); check the way from this machine to it, and try again"),
    }
}

#[cfg(test)]
mod tests {
    use domain::Id;

    use super::*;

    fn event(url: &str) -> Event {
        let at = |text: &str| text.parse().unwrap();
        Event {
            uid: "u".to_owned(),
            etag: None,
            range: TimeRange::new(at("2026-11-24T09:00:00Z"), at("2026-11-24T10:00:00Z")).unwrap(),
            all_day: false,
            busy: true,
            declined: false,
            private: false,
            title: String::new(),
            description: None,
            url: Some(url.to_owned()),
            view_url: None,
            meeting_url: None,
            recurrence: None,
        }
    }

    fn grant() -> Grant {
        let id = "0190a3d0f0e07b3e8c3e000000000001";
        let grant: Id<Grant> = format!("gra_{id}").parse().unwrap();
        Grant::requested(grant, format!("per_{id}").parse().unwrap(), "zoho", "2026-11-24T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn another_installation_in_the_same_calendar_is_named_and_our_own_is_not() {
        let ours: Url = "https://green.example.com".parse().unwrap();
        let of = |url: &str| shared("Ana", &grant(), &[event(url)], &ours);
        let id = "itv_0190a3d0f0e07b3e8c3e000000000001";
        assert_eq!(of(&format!("https://green.example.com/interviews/{id}")), None);
        assert_eq!(of("https://elsewhere.example.com/page"), None);
        assert_eq!(of("no url"), None);
        let found = of(&format!("https://staging.example.com/interviews/{id}")).unwrap();
        assert!(found.condition == Condition::Warning && found.says.contains("https://staging.example.com"), "{found:?}");
    }

    #[test]
    fn a_calendar_that_is_gone_or_read_only_is_bad_and_one_outside_free_busy_a_warning() {
        let info = |uid: &str, writable, in_free_busy| CalendarInfo {
            uid: uid.to_owned(),
            name: "Work".to_owned(),
            zone: None,
            is_default: true,
            writable,
            in_free_busy,
            change_tag: None,
        };
        let mut connected = grant();
        let condition = |grant: &Grant, info| calendar("Ana", grant, &Ok(vec![info])).condition;
        assert_eq!(condition(&connected, info("a", true, None)), Condition::Bad);
        let choice = domain::grants::CalendarChoice { uid: "a".to_owned(), name: "Work".to_owned(), zone: None, is_default: true };
        connected.calendar = Some(choice);
        assert_eq!(condition(&connected, info("b", true, None)), Condition::Bad);
        assert_eq!(condition(&connected, info("a", false, None)), Condition::Bad);
        assert_eq!(condition(&connected, info("a", true, Some(false))), Condition::Warning);
        assert_eq!(condition(&connected, info("a", true, Some(true))), Condition::Good);
    }
}
