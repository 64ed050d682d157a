//! The binary's rooms: configuration, wiring, the worker loop, the command line. Only this crate sees every other one.

pub mod cli;
pub mod config;
mod demo;
mod keys;
mod logs;
mod serve;
pub mod wiring;
pub mod world;
