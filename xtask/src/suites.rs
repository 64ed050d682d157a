//! The suites under `tests-real/`: Greenroom's release binary against programs that nobody here wrote.
//!
//! Each is a script that exits with something else than 0 on a failure and ends with `N passed, N failed`.
//! A suite stands in this list as soon as it tests something, never before: nothing here passes by being empty.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};

use crate::command;
use crate::setup::{Need, python};

/// One suite of `tests-real/`.
pub struct Suite {
    /// Its folder, and its name in the table.
    pub name: &'static str,
    /// What must be installed for it, besides the release binary.
    pub needs: &'static [Need],
    runner: Runner,
    script: &'static str,
}

#[derive(Clone, Copy)]
enum Runner {
    Python,
    Node,
}

/// No suite, nor the demo, takes longer than this unless it hangs.
const LIMIT_SECONDS: u32 = 600;

/// Every suite, in the order in which they run.
pub const SUITES: &[Suite] = &[
    Suite { name: "omnidapter", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_omnidapter.py" },
    Suite { name: "python-client", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_python_client.py" },
    Suite { name: "bad-input", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_bad_input.py" },
    Suite { name: "operator", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_operator.py" },
    Suite { name: "smtp", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_smtp.py" },
    Suite { name: "recurrence", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_recurrence.py" },
    Suite { name: "libical", needs: &[Need::PythonPackages, Need::Libical], runner: Runner::Python, script: "test_libical.py" },
    Suite { name: "caldav", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_caldav.py" },
    Suite { name: "caldav-connect", needs: &[Need::PythonPackages], runner: Runner::Python, script: "test_caldav_connect.py" },
    Suite { name: "promtool", needs: &[Need::PythonPackages, Need::Promtool], runner: Runner::Python, script: "test_promtool.py" },
    Suite {
        name: "oidc-provider",
        needs: &[Need::PythonPackages, Need::NodePackages],
        runner: Runner::Python,
        script: "test_oidc_provider.py",
    },
    Suite {
        name: "single-sign-on",
        needs: &[Need::NodePackages, Need::Chromium],
        runner: Runner::Node,
        script: "test_single_sign_on.mjs",
    },
    Suite { name: "walk", needs: &[Need::NodePackages, Need::Chromium], runner: Runner::Node, script: "test_walk.mjs" },
];

impl Suite {
    /// Runs it; `true` if it passed.
    ///
    /// The script finds in its environment what it works with: `SUITE_BINARY`, the release binary;
    /// `SUITE_PORT`, the first of ten free ports; `SUITE_SCRATCH`, an empty folder of its own.
    pub fn run(&self, root: &Path) -> Result<bool> {
        let scratch = root.join("target/tests-real").join(self.name);
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch)?;
        }
        std::fs::create_dir_all(&scratch)?;
        let script = root.join("tests-real").join(self.name).join(self.script);
        let mut command = match self.runner {
            Runner::Python => command::limited(LIMIT_SECONDS, python(root)),
            Runner::Node => command::limited(LIMIT_SECONDS, "node"),
        };
        command.arg(&script).current_dir(&scratch);
        command.env("SUITE_BINARY", binary(root)).env("SUITE_PORT", free_ports()?.to_string()).env("SUITE_SCRATCH", &scratch);
        command::succeeds(&mut command)
    }
}

/// The release binary that every suite and the demo's walk use.
pub fn binary(root: &Path) -> std::path::PathBuf {
    root.join("target/release/greenroom")
}

/// The first of ten neighbouring free ports, for programs that listen on several.
pub fn free_ports() -> Result<u16> {
    for first in (20_000..30_000).step_by(10) {
        let ten: Option<Vec<TcpListener>> = (first..first + 10).map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
        if ten.is_some() {
            return Ok(first);
        }
    }
    bail!("there are no ten neighbouring free ports between 20000 and 30000 on 127.0.0.1")
}

/// The walk that the binary does by itself: `greenroom demo --headless` in an empty folder.
pub fn demo(root: &Path) -> Result<bool> {
    let data = root.join("target/tests-real/demo-headless");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let port = free_ports()?.to_string();
    let mut command = command::limited(LIMIT_SECONDS, binary(root));
    command.args(["demo", "--headless", "--port", &port, "--data"]).arg(&data).current_dir(root);
    command::succeeds(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_its_script_and_every_finished_script_is_a_suite() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for suite in SUITES {
            assert!(
                root.join("tests-real").join(suite.name).join(suite.script).is_file(),
                "tests-real/{}/{} is missing",
                suite.name,
                suite.script
            );
        }
        for folder in std::fs::read_dir(root.join("tests-real")).unwrap() {
            let folder = folder.unwrap();
            let name = folder.file_name().into_string().unwrap();
            let tests = std::fs::read_dir(folder.path())
                .into_iter()
                .flatten()
                .any(|file| file.unwrap().file_name().to_string_lossy().starts_with("test_"));
            assert!(
                !tests || SUITES.iter().any(|suite| suite.name == name),
                "tests-real/{name} has a test that no stage runs; name it in xtask/src/suites.rs"
            );
        }
    }

    #[test]
    fn ten_ports_are_free() {
        let first = free_ports().unwrap();
        let _held: Vec<TcpListener> = (first..first + 10).map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap()).collect();
        assert_ne!(free_ports().unwrap(), first);
    }
}
