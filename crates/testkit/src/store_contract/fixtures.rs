//! Example people and things, in a sparse form (everything optional is absent) and a full one.

use std::collections::BTreeSet;

use domain::{
    EmailAddress, Id, TimeRange, Timestamp, Zone,
    candidacies::{Candidacy, Unplaced},
    claims::{Claim, Holder},
    grants::{
        Account, CalendarChoice, Grant, GrantState, LiveAccess, Moment, Pause, PendingConnection, PendingReason, PermissionRequest,
        RefreshRecord, SealedTokens, UnverifiedTokens,
    },
    id::Kind,
    interviews::{AttentionReason, By, CreateAttempt, EventRef, FeedbackState, Interview, InterviewState, NewInterview},
    jobs::{Dedupe, Job, NewJob, Work},
    people::Person,
    rounds::{Days, Gap, Need, Opens, Panel, Round, Seats},
    vacancies::{Place, Policy, Stuck, Vacancy, VacancyState},
};
use ports::{
    Change, Put,
    change::{ClaimStep, JobStep, Name, Scope},
};
use scheduling::{Rules, RulesDraft};
use uuid::Uuid;

/// A Monday, 08:00 UTC.
const BEGINNING: i64 = 1_767_600_000;

/// `minutes` after the beginning.
pub fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(BEGINNING + minutes * 60).unwrap()
}

/// From minute to minute.
pub fn range(from: i64, to: i64) -> TimeRange {
    TimeRange::new(at(from), at(to)).unwrap()
}

/// An id with a number; ids sort like their numbers.
pub fn id<K: Kind>(number: u128) -> Id<K> {
    Id::new(Uuid::from_u128(number))
}

/// An address.
pub fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// A zone.
pub fn zone() -> Zone {
    Zone::new("Europe/Madrid").unwrap()
}

/// A change that only writes nouns.
pub fn puts(puts: impl IntoIterator<Item = Put>) -> Change {
    Change { puts: puts.into_iter().collect(), ..Change::at(at(0)) }
}

/// A person with one address.
pub fn person(number: u128) -> Person {
    Person {
        id: id(number),
        rev: 1,
        name: format!("Person {number}"),
        emails: vec![email(&format!("person{number}@example.com"))],
        zone: None,
        rules: None,
        skills: BTreeSet::new(),
        external_id: None,
        created_at: at(0),
    }
}

/// A person of whom everything is known.
pub fn full_person(number: u128) -> Person {
    let rules = RulesDraft { daily_limit: Some(3), buffer_before_minutes: 10, ..RulesDraft::usual(zone()) };
    Person {
        emails: vec![email(&format!("Ana.Diaz{number}@Example.com")), email(&format!("ana{number}@example.org"))],
        zone: Some(zone()),
        rules: Some(Rules::new(rules).unwrap()),
        skills: ["leadership", "rust"].map(str::to_owned).into(),
        external_id: Some(format!("crm-{number}")),
        ..person(number)
    }
}

/// A person with the names of their addresses.
pub fn with_names(person: &Person) -> Change {
    let take = |address: &EmailAddress| Name::Take { scope: Scope::Email, name: address.key(), owner: person.id.to_string() };
    Change { names: person.emails.iter().map(take).collect(), ..puts([Put::Person(person.clone())]) }
}

/// Sealed tokens; the bytes are not text.
pub fn tokens(seed: u8) -> SealedTokens {
    SealedTokens {
        refresh: vec![seed, 0, 255],
        previous_refresh: Some(vec![seed, 1]),
        access: vec![seed, 2],
        access_expires_at: at(60),
    }
}

fn account() -> Account {
    Account { data_centre: "eu".to_owned(), user_id: "700012345".to_owned(), email: email("ana@example.com") }
}

fn memory() -> RefreshRecord {
    let moment = |minute: i64| Moment { at: at(minute), lease: at(minute + 5) };
    RefreshRecord {
        succeeded_at: Some(at(1)),
        attempted_at: Some(at(2)),
        next_at: Some(at(50)),
        failures: 2,
        last_failure: Some("throttled".to_owned()),
        refused_at: Some(moment(3)),
        attempts: vec![moment(1), moment(2)],
        limit: 10,
        paused: Some(Pause { since: moment(4), seconds: 90 }),
        live: vec![LiveAccess { since: moment(1), seconds: 3_600, lent: true }],
        unanswered_at: Some(at(2)),
        rotates: Some(true),
        rotated_at: Some(moment(1)),
        access_ends_by_lease: Some(at(65)),
        serial: Some(id(11)),
        on_demand: true,
        lease: Some(("node".to_owned(), at(5))),
    }
}

/// A grant with everything it can have at once.
pub fn full_grant(number: u128) -> Grant {
    Grant {
        state: GrantState::Active,
        account: Some(account()),
        data_centre: Some("eu".to_owned()),
        tokens: Some(tokens(1)),
        generation: 7,
        scopes: vec!["calendar.read".to_owned(), "event.all".to_owned()],
        refresh: memory(),
        calendar: Some(CalendarChoice { uid: "uid".to_owned(), name: "Ana".to_owned(), zone: Some(zone()), is_default: true }),
        busy_calendars: vec!["uid".to_owned(), "other".to_owned()],
        request: Some(PermissionRequest {
            vacancy: Some(id(9)),
            first_at: at(0),
            count: 2,
            next_at: Some(at(100)),
            exhausted_at: Some(at(200)),
            daily: true,
        }),
        unverified: Some(UnverifiedTokens {
            link: id(8),
            data_centre: "us".to_owned(),
            tokens: tokens(3),
            has_refresh: true,
            scopes: vec!["calendar.read".to_owned()],
            refresh: memory(),
        }),
        pending: Some(PendingConnection {
            account: account(),
            tokens: tokens(2),
            scopes: vec!["event.all".to_owned()],
            since: at(6),
            why: PendingReason::AliasOnly,
            refresh: memory(),
        }),
        connected_at: Some(at(7)),
        ended: Some((at(8), "revoked".to_owned())),
        ..Grant::requested(id(number), id(1), "zoho", at(0))
    }
}

/// A draft vacancy of manager 1.
pub fn vacancy(number: u128) -> Vacancy {
    Vacancy {
        id: id(number),
        rev: 1,
        title: "Engineer".to_owned(),
        manager: id(1),
        requested_by: "Recruiting".to_owned(),
        state: VacancyState::Draft,
        paused_at: None,
        rounds: vec![Round::simple(1, "First interview".to_owned(), 45)],
        place: None,
        policy: Policy::default(),
        approved_at: None,
        stuck: None,
        external_id: None,
        created_at: at(0),
    }
}

/// A vacancy with everything, and two rounds, the second with a panel of persons 3 to 5.
pub fn full_vacancy(number: u128) -> Vacancy {
    let mut vacancy = Vacancy {
        state: VacancyState::Approved,
        paused_at: Some(at(1)),
        place: Some(Place::Address("12 Sample Street".to_owned())),
        policy: Policy { provisional: false, provisional_after_hours: 3, ..Policy::default() },
        approved_at: Some(at(2)),
        stuck: Some(Stuck { code: "unknown_calendar".to_owned(), since: at(3), retry_at: Some(at(4)) }),
        external_id: Some(format!("ats-{number}")),
        ..vacancy(number)
    };
    let seats = Seats { need: Need::AtLeast(1), people: vec![id(3), id(4)], skills: ["rust".to_owned()].into() };
    vacancy.rounds.push(Round {
        panel: Panel { seats: vec![seats], optional: vec![id(5)] },
        gap: Gap { at_least_minutes: 60, at_most_minutes: Some(10_000), days: Days::Other },
        opens: Opens::AfterPrevious,
        ..Round::simple(2, "Second interview".to_owned(), 60)
    });
    vacancy
}

/// Place `position` of person `number` on the shortlist of `vacancy`.
pub fn candidacy(number: u128, vacancy: Id<Vacancy>, position: i64) -> Candidacy {
    Candidacy {
        id: id(number),
        rev: 1,
        vacancy,
        person: id(number),
        position,
        unplaced: Some(Unplaced { since: at(5), reasons: vec!["busy".to_owned(), "notice".to_owned()] }),
        withdrawn_at: None,
        created_at: at(0),
    }
}

/// An interview of manager 1 with candidate 2.
pub fn interview(number: u128, range: TimeRange) -> Interview {
    let new = NewInterview {
        id: id(number),
        vacancy: id(1),
        candidacy: id(1),
        round: 1,
        manager: id(1),
        interviewers: Vec::new(),
        candidate: id(2),
        range,
        zone: zone(),
        provisional: false,
        at: at(0),
    };
    Interview::new(new).0
}

/// An interview with everything it can have at once.
pub fn full_interview(number: u128, range: TimeRange) -> Interview {
    let mut interview = interview(number, range);
    if let Some(participant) = interview.participants.last_mut() {
        participant.confirmed_at = Some(at(9));
    }
    Interview {
        state: InterviewState::Attention,
        provisional: true,
        written_rev: 1,
        sequence: 3,
        invited: true,
        event: Some(EventRef {
            calendar: "uid".to_owned(),
            uid: "event".to_owned(),
            etag: "1700000000000".to_owned(),
            written: range,
            url: Some("https://calendar.example.com/event".to_owned()),
            meeting_url: Some("https://meet.example.com/1".to_owned()),
        }),
        attempt: Some(CreateAttempt { at: at(1), calendar: "uid".to_owned(), searches: 2 }),
        feedback: FeedbackState::Given,
        attention: Some((AttentionReason::Clash, at(2))),
        cancelled: Some((By::Candidate, at(3), "ill".to_owned())),
        booked_at: Some(at(4)),
        ..interview
    }
}

/// The holder that is person `number`.
pub fn holder(number: u128) -> Holder {
    Holder::person(id(number))
}

/// A booking's claim.
pub fn claim(person: u128, interview: u128, rev: i64, range: TimeRange) -> Claim {
    Claim { holder: holder(person), range, interview: id(interview), rev, expires_at: None }
}

/// A change at `time` that takes claims.
pub fn taking(time: Timestamp, claims: impl IntoIterator<Item = Claim>) -> Change {
    Change { claims: claims.into_iter().map(ClaimStep::Take).collect(), ..Change::at(time) }
}

/// Work that names interview `number`.
pub fn work(number: u128) -> Work {
    Work::Settle { interview: id(number) }
}

/// An order due at minute 0, the same as no other.
pub fn job(number: u128) -> NewJob {
    NewJob {
        id: id(number),
        work: work(number),
        dedupe: Dedupe::Once(format!("job {number}")),
        stream: None,
        sequence: 0,
        due: at(0),
        not_after: None,
    }
}

/// An order that is one with every open order of the same key.
pub fn open_job(number: u128, key: &str) -> NewJob {
    NewJob { dedupe: Dedupe::Open(key.to_owned()), ..job(number) }
}

/// A change that orders jobs.
pub fn orders(jobs: impl IntoIterator<Item = NewJob>) -> Change {
    Change { jobs: jobs.into_iter().map(JobStep::Order).collect(), ..Change::at(at(0)) }
}

/// A change of one step.
pub fn step(step: JobStep) -> Change {
    Change { jobs: vec![step], ..Change::at(at(0)) }
}

/// The end of a run.
pub fn done(run: &Job) -> Change {
    step(JobStep::Done { id: run.id, lease: run.lease.clone().unwrap(), wake: run.wake })
}
