//! The binary's rooms: configuration, wiring, the worker loop, the command line. Only this crate sees every other one.

pub mod backup;
mod check;
pub mod cli;
mod commands;
pub mod config;
mod csv;
mod demo;
mod erasures;
mod import;
mod keys;
mod listen;
mod logs;
mod process;
mod remote;
mod serve;
pub mod wiring;
mod witness;
pub mod world;
