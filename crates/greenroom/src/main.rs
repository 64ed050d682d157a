//! Greenroom, the binary: configuration, wiring, worker loop, command line.
fn main() {}
