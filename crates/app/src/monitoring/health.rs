//! The installation's health at a glance: grants, providers, use.

use std::collections::BTreeMap;

use domain::{
    Id, Timestamp,
    calls::{self, CallCount},
    grants::{Grant, GrantState},
    people::Person,
};
use ports::store::Page;

use crate::{App, Result, draft::later};

/// Hours shown of calls.
const HOURS: i64 = 24;
/// Days shown of use.
const DAYS: i64 = 14;
/// Grants shown at most.
const GRANTS: usize = 1_000;

/// A grant and how it fares. Nothing secret.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantHealth {
    /// Which.
    pub id: Id<Grant>,
    /// Whose.
    pub person: Id<Person>,
    /// Their name.
    pub name: String,
    /// How it stands.
    pub state: GrantState,
    /// The provider's name.
    pub provider: String,
    /// Where the account lives.
    pub data_centre: Option<String>,
    /// Scopes that booking needs and that were not granted.
    pub missing_scopes: Vec<String>,
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
    /// Refreshes begun in the provider's window, and how many it allows.
    pub budget: (u32, u32),
    /// Tokens lent today (UTC).
    pub lent_today: i64,
    /// Until when a lent token may live, whatever becomes of the grant.
    pub lent_until: Option<Timestamp>,
}

/// Calls of one data centre in the last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsView {
    /// Registry name.
    pub provider: String,
    /// Location code.
    pub data_centre: String,
    /// All calls.
    pub calls: i64,
    /// Failed calls by class.
    pub failures: BTreeMap<String, i64>,
    /// Half of the calls stayed under this, in milliseconds.
    pub median_millis: Option<i64>,
    /// 95 of 100 calls stayed under this, in milliseconds.
    pub p95_millis: Option<i64>,
    /// Hour by hour, oldest first, hours without calls included.
    pub hours: Vec<HourView>,
}

/// Calls of one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourView {
    /// When it began.
    pub since: Timestamp,
    /// All calls.
    pub calls: i64,
    /// Those that failed.
    pub failed: i64,
    /// Those the provider refused as too many.
    pub throttled: i64,
}

/// Use on one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayView {
    /// When it began.
    pub day: Timestamp,
    /// Interviews booked.
    pub bookings: i64,
    /// Access tokens lent.
    pub lent: i64,
    /// Refreshes that worked.
    pub refreshes: i64,
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthView {
    /// Grants, those in need first.
    pub grants: Vec<GrantHealth>,
    /// Whether there are more grants than are shown.
    pub more_grants: bool,
    /// Data centres.
    pub calls: Vec<CallsView>,
    /// Days, newest first.
    pub days: Vec<DayView>,
}

impl App {
    /// See the module's header.
    pub async fn health(&self) -> Result<HealthView> {
        let now = self.now();
        let today = floor(now, 86_400);
        let since = later(today, -(DAYS - 1) * 24 * 60)?;
        let lendings = self.store().lendings(since).await?;
        let mut grants = Vec::new();
        let mut page = Page::first(200);
        loop {
            let found = self.store().grants(page).await?;
            let persons: Vec<_> = found.iter().map(|grant| grant.person).collect();
            let names: BTreeMap<_, _> =
                self.store().persons(&persons).await?.into_iter().map(|person| (person.id, person.name)).collect();
            let last = found.last().map(|grant| grant.id.to_string());
            let full = found.len() == 200;
            for grant in found {
                let of_grant = lendings.iter().filter(|lent| lent.grant == grant.id);
                let lent_today = of_grant.clone().filter(|lent| lent.day == today).map(|lent| lent.count).sum();
                let lent_until = of_grant.map(|lent| lent.ends_at).max().filter(|end| *end > now);
                let name = names.get(&grant.person).cloned().unwrap_or_default();
                grants.push(self.grant_health(grant, name, (lent_today, lent_until))?);
            }
            if !full || grants.len() > GRANTS {
                break;
            }
            page = Page { after: last, limit: 200 };
        }
        let more_grants = grants.len() > GRANTS;
        grants.truncate(GRANTS);
        grants.sort_by_key(|grant| (std::cmp::Reverse(need(grant)), grant.name.to_lowercase(), grant.id));

        let from = later(floor(now, 3_600), -(HOURS - 1) * 60)?;
        let calls = by_data_centre(&self.counted(from, 3_600).await?, from);
        let refreshes: Vec<CallCount> = self.counted(since, 86_400).await?.into_iter().filter(is_good_refresh).collect();
        let bookings = self.store().bookings(since).await?;
        let mut days = Vec::new();
        for back in 0..DAYS {
            let day = later(today, -back * 24 * 60)?;
            days.push(DayView {
                day,
                bookings: bookings.iter().filter(|(at, _)| *at == day).map(|(_, count)| count).sum(),
                lent: lendings.iter().filter(|lent| lent.day == day).map(|lent| lent.count).sum(),
                refreshes: refreshes.iter().filter(|row| row.since == day).map(|row| row.count).sum(),
            });
        }
        Ok(HealthView { grants, more_grants, calls, days })
    }

    fn grant_health(&self, grant: Grant, name: String, lent: (i64, Option<Timestamp>)) -> Result<GrantHealth> {
        Ok(GrantHealth {
            missing_scopes: self.missing_scopes(&grant)?,
            id: grant.id,
            person: grant.person,
            name,
            state: grant.state,
            budget: refresh_budget(&grant, self.now()),
            provider: grant.provider,
            data_centre: grant.data_centre,
            scopes: grant.scopes,
            connected_at: grant.connected_at,
            expires_at: grant.tokens.map(|tokens| tokens.access_expires_at),
            refreshed_at: grant.refresh.succeeded_at,
            next_refresh_at: grant.refresh.next_at,
            failures: grant.refresh.failures,
            last_failure: grant.refresh.last_failure,
            lent_today: lent.0,
            lent_until: lent.1,
        })
    }

    /// Scopes that booking needs and a usable grant does not have. A provider that did not say what it granted is believed.
    pub(crate) fn missing_scopes(&self, grant: &Grant) -> Result<Vec<String>> {
        if !grant.is_usable() || grant.scopes.is_empty() {
            return Ok(Vec::new());
        }
        let required = self.provider_named(&grant.provider)?.required_scopes();
        Ok(required.into_iter().filter(|scope| !grant.scopes.contains(scope)).collect())
    }
}

/// Refreshes begun within the window, and how many the provider allows.
fn refresh_budget(grant: &Grant, now: Timestamp) -> (u32, u32) {
    let spent = domain::grants::budget(grant, now);
    (spent.used, spent.limit)
}

/// How much somebody should look at it.
fn need(grant: &GrantHealth) -> u32 {
    match grant.state {
        GrantState::Dead => 1_000,
        _ if !grant.missing_scopes.is_empty() => 900,
        _ => grant.failures.min(100),
    }
}

fn is_good_refresh(row: &CallCount) -> bool {
    row.operation == "refresh" && row.class == calls::OK
}

fn floor(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(seconds) * seconds).unwrap_or(at)
}

fn by_data_centre(rows: &[CallCount], from: Timestamp) -> Vec<CallsView> {
    let mut places: BTreeMap<(&str, &str), Vec<&CallCount>> = BTreeMap::new();
    for row in rows {
        places.entry((&row.provider, &row.data_centre)).or_default().push(row);
    }
    let view = |((provider, data_centre), rows): ((&str, &str), Vec<&CallCount>)| {
        let mut failures = BTreeMap::new();
        for row in rows.iter().filter(|row| row.class != calls::OK) {
            *failures.entry(row.class.clone()).or_default() += row.count;
        }
        let times: Vec<_> = rows.iter().map(|row| (row.up_to_millis, row.count)).collect();
        let hours = (0..HOURS).map(|hour| {
            let since = Timestamp::from_second(from.as_second() + hour * 3_600).unwrap_or(from);
            let sum = |wanted: &dyn Fn(&CallCount) -> bool| {
                rows.iter().filter(|row| row.since == since && wanted(row)).map(|row| row.count).sum()
            };
            HourView {
                since,
                calls: sum(&|_| true),
                failed: sum(&|row| row.class != calls::OK),
                throttled: sum(&|row| row.class == "throttled"),
            }
        });
        CallsView {
            provider: provider.to_owned(),
            data_centre: data_centre.to_owned(),
            calls: rows.iter().map(|row| row.count).sum(),
            failures,
            median_millis: calls::quantile(&times, 0.5),
            p95_millis: calls::quantile(&times, 0.95),
            hours: hours.collect(),
        }
    };
    places.into_iter().map(view).collect()
}
