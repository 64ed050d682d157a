//! Greenroom, the binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    greenroom::cli::main()
}
