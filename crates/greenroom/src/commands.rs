//! Subcommands for the machine's operator, one file each.

pub mod accounts;
pub mod audit;
pub mod backup;
pub mod doctor;
pub mod erase;
pub mod export;
pub mod keys;
pub mod restore;
