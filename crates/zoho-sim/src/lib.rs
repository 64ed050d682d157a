//! A Zoho that runs on this machine: Accounts (OAuth 2.0) and Calendar (API v1) over HTTP, one origin per data
//! centre, with an injected clock, seeded ids, a switch for everything about Zoho that is not known for certain,
//! and faults on demand.
//!
//! It shares no code with Greenroom's own client on purpose: a mistake in one must not hide the same mistake in the
//! other. What it promises is written as numbered statements in the fact sheet on Zoho; each has a test that talks
//! HTTP to a running simulator and carries the statement's number in its name.

pub mod accounts;
pub mod calendar;
mod control;
mod faults;
mod gate;
pub mod ics;
mod ids;
mod journal;
mod pages;
mod persist;
mod sim;
mod simulate;
mod switches;
mod wire;
mod world;

pub use crate::{
    accounts::{Client, RefreshCall, RefreshOutcome, Scope, TokenRefusal, User, UserId},
    faults::{Armed, Fault},
    ids::Ids,
    journal::{Journal, Mail, Recorded},
    sim::{Clock, DataCentre, Options, Sim, Site},
    simulate::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PEOPLE, DEMO_REDIRECT, SimulateOptions, seed_demo, simulate},
    switches::*,
    world::World,
};
