//! `cargo xtask setup`: what the tests need beyond Rust, looked for and installed.
//!
//! Debian's packages where the machine lacks a program, Python packages into an environment under
//! `target/`, Node packages beside the suites, each pinned by a committed file. With `--no-install`
//! it only names what is missing. No package is fetched from anywhere but where the machine's own
//! clients are set up to fetch it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::suites::SUITES;
use crate::{command, postgres};

/// Something a stage needs before it can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// PostgreSQL's server programs, and openssl for its certificate.
    Postgres,
    /// A browser for the pages.
    Chromium,
    /// Prometheus' own checker.
    Promtool,
    /// libical, a compiler for the program that asks it, and the zones that it reads.
    Libical,
    /// The packages of `tests-real/requirements.txt`.
    PythonPackages,
    /// The packages of `tests-real/package-lock.json`.
    NodePackages,
}

/// All that `cargo xtask test` needs: PostgreSQL for its own stage, and what the suites name.
pub fn everything() -> Vec<Need> {
    let mut needs = vec![Need::Postgres];
    for need in SUITES.iter().flat_map(|suite| suite.needs) {
        if !needs.contains(need) {
            needs.push(*need);
        }
    }
    needs
}

/// Looks for each need and, if `install`, mends what is missing; `true` if all is there at the end.
pub fn run(root: &Path, needs: &[Need], install: bool) -> Result<bool> {
    let mut complete = true;
    for need in needs {
        let Some(missing) = need.missing(root)? else {
            println!("{need:?}: there");
            continue;
        };
        if !install {
            println!("{need:?}: {missing}");
            complete = false;
            continue;
        }
        println!("{need:?}: {missing}; installing");
        need.install(root).with_context(|| format!("{need:?} could not be installed"))?;
        if let Some(still) = need.missing(root)? {
            bail!("{need:?} was installed, but: {still}");
        }
    }
    if !complete {
        println!("`cargo xtask setup` installs what is missing.");
    }
    Ok(complete)
}

impl Need {
    /// What is missing, in words; `None` if it is all there.
    fn missing(self, root: &Path) -> Result<Option<String>> {
        Ok(match self {
            Self::Postgres if postgres::binaries().is_none() => {
                Some("the server programs of Debian's package `postgresql` are missing".into())
            }
            // Makes the certificate of the throw-away server.
            Self::Postgres => command::which("openssl").is_none().then(|| "Debian's package `openssl` is missing".into()),
            Self::Chromium => {
                (!Path::new(CHROMIUM).is_file()).then(|| format!("{CHROMIUM} of Debian's package `chromium` is missing"))
            }
            Self::Promtool => {
                command::which("promtool").is_none().then(|| "promtool of Debian's package `prometheus` is missing".into())
            }
            Self::Libical => {
                let there = command::which("cc").is_some() && [LIBICAL, ZONES].iter().all(|file| Path::new(file).is_file());
                (!there).then(|| format!("{LIBICAL} of Debian's package `libical-dev`, `cc` or {ZONES} is missing"))
            }
            Self::PythonPackages => stale(&root.join(REQUIREMENTS), &python(root), &environment(root).join(STAMP))?
                .then(|| format!("the packages of {REQUIREMENTS} are missing or old")),
            Self::NodePackages => {
                let modules = root.join("tests-real/node_modules");
                stale(&root.join(NODE_LOCK), &modules, &modules.join(STAMP))?
                    .then(|| format!("the packages of {NODE_LOCK} are missing or old"))
            }
        })
    }

    fn install(self, root: &Path) -> Result<()> {
        match self {
            Self::Postgres => debian(&["postgresql", "openssl"]),
            Self::Chromium => debian(&["chromium"]),
            Self::Promtool => debian(&["prometheus"]),
            Self::Libical => debian(&["libical-dev", "gcc", "libc6-dev", "tzdata"]),
            Self::PythonPackages => python_packages(root),
            Self::NodePackages => node_packages(root),
        }
    }
}

const CHROMIUM: &str = "/usr/bin/chromium";
const LIBICAL: &str = "/usr/include/libical/ical.h";
const ZONES: &str = "/usr/share/zoneinfo/zone.tab";
const REQUIREMENTS: &str = "tests-real/requirements.txt";
const NODE_LOCK: &str = "tests-real/package-lock.json";
/// The copy of the pinning file that an installation was made from, kept beside what it installed.
const STAMP: &str = ".installed-from";

/// The Python of the suites' own environment.
pub fn python(root: &Path) -> PathBuf {
    environment(root).join("bin/python")
}

fn environment(root: &Path) -> PathBuf {
    root.join("target/python")
}

/// Was `installed` made from another text than what `pins` says now, or not at all?
fn stale(pins: &Path, installed: &Path, stamp: &Path) -> Result<bool> {
    let wanted = fs::read_to_string(pins).with_context(|| format!("cannot read {}", pins.display()))?;
    Ok(!installed.exists() || !stamp.exists() || fs::read_to_string(stamp)? != wanted)
}

fn debian(packages: &[&str]) -> Result<()> {
    let by_hand = format!("apt-get update && apt-get install --yes --no-install-recommends {}", packages.join(" "));
    if command::which("apt-get").is_none() {
        bail!("this machine has no apt-get; install what corresponds to Debian's {}", packages.join(", "));
    }
    if !command::is_root()? {
        bail!("installing Debian packages needs root; run this yourself: sudo sh -c '{by_hand}'");
    }
    command::must(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command::must(install.stdin(std::process::Stdio::null()))
}

fn python_packages(root: &Path) -> Result<()> {
    let folder = environment(root);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // Debian's Python comes without the part that makes environments, or not at all.
    let make = || command::succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    if command::which("python3").is_none() || !make()? {
        debian(&["python3", "python3-venv"])?;
        command::must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    }
    let mut pip = Command::new(python(root));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS]).current_dir(root);
    command::must(&mut pip)?;
    fs::copy(root.join(REQUIREMENTS), folder.join(STAMP))?;
    Ok(())
}

fn node_packages(root: &Path) -> Result<()> {
    if command::which("npm").is_none() {
        debian(&["nodejs", "npm"])?;
    }
    // No package's own script runs: the one browser that they would fetch is Debian's here.
    command::must(&mut command::command(&root.join("tests-real"), "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::copy(root.join(NODE_LOCK), root.join("tests-real/node_modules").join(STAMP))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_stale_once_its_pins_change() {
        let folder = std::env::temp_dir().join(format!("greenroom-setup-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (pins, stamp) = (folder.join("pins"), folder.join("stamp"));
        fs::write(&pins, "one==1\n").unwrap();
        assert!(stale(&pins, &folder, &stamp).unwrap(), "never installed");
        fs::copy(&pins, &stamp).unwrap();
        assert!(!stale(&pins, &folder, &stamp).unwrap(), "just installed");
        fs::write(&pins, "one==2\n").unwrap();
        assert!(stale(&pins, &folder, &stamp).unwrap(), "another version is wanted");
        fs::copy(&pins, &stamp).unwrap();
        assert!(stale(&pins, &folder.join("bin"), &stamp).unwrap(), "the programs are gone");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_missing_is_named_and_fails_without_installing() {
        let empty = std::env::temp_dir().join(format!("greenroom-empty-{}", std::process::id()));
        fs::create_dir_all(empty.join("tests-real")).unwrap();
        fs::write(empty.join(REQUIREMENTS), "one==1\n").unwrap();
        assert!(Need::PythonPackages.missing(&empty).unwrap().unwrap().contains(REQUIREMENTS));
        assert!(!run(&empty, &[Need::PythonPackages], false).unwrap());
        fs::remove_dir_all(&empty).unwrap();
    }

    #[test]
    fn setup_covers_every_suite() {
        let needs = everything();
        assert!(SUITES.iter().flat_map(|suite| suite.needs).all(|need| needs.contains(need)));
        assert!(needs.contains(&Need::Postgres));
    }
}
