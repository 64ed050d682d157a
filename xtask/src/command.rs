//! Running other programs: the few shapes that xtask needs, with errors that name the command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A command in `folder` that inherits the output and reads nothing from the keyboard.
pub fn command(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

/// A program that is ended, with all that it started, if it takes longer: `timeout` then exits with 124.
pub fn limited(seconds: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--verbose", "--kill-after=15", &seconds.to_string()]).arg(program).stdin(Stdio::null());
    command
}

/// Runs it to its end; `true` if it exited with 0. An error means that it could not be started.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    Ok(status.success())
}

/// Runs it to its end; anything but exit code 0 is an error that names the command line.
pub fn must(command: &mut Command) -> Result<()> {
    if succeeds(command)? { Ok(()) } else { bail!("{} failed", line(command)) }
}

/// What it prints on standard output; anything but exit code 0 is an error that shows what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", line(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed something that is not UTF-8", line(command)))
}

/// Where a program stands, looked up in `PATH`.
pub fn which(program: &str) -> Option<PathBuf> {
    environment("PATH")?.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// A variable of the environment, where it is set and readable text.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask has no configuration to read it from: PATH and CARGO are handed over this way"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The cargo that started us, so that both are of one toolchain.
pub fn cargo() -> String {
    environment("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Is this process root? Asked of `id`, since the standard library does not tell.
pub fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_what_it_said() {
        let error = output(command(Path::new("/"), "sh", &["-c", "echo nothing good >&2; exit 3"]).env("LC_ALL", "C"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("`sh -c") && error.ends_with("nothing good"), "{error}");
        assert!(must(&mut command(Path::new("/"), "false", &[])).is_err());
        assert!(!succeeds(&mut command(Path::new("/"), "false", &[])).unwrap());
    }

    #[test]
    fn what_takes_too_long_is_ended_and_has_failed() {
        assert!(!succeeds(limited(1, "sleep").arg("60")).unwrap());
        assert!(succeeds(limited(60, "sleep").arg("0")).unwrap());
    }

    #[test]
    fn programs_are_found_in_the_path_and_only_there() {
        assert!(which("sh").is_some());
        assert_eq!(which("no-such-program-anywhere"), None);
    }
}
