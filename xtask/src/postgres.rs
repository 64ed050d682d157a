//! A throw-away PostgreSQL for the length of one stage.
//!
//! PostgreSQL refuses to run as root, and CI is root, so there it runs as `postgres` or `nobody`. It
//! keeps its data in a temporary folder, without fsync, answers on loopback only, and ends with this
//! process however that ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command;

/// A running server; dropping it stops it and removes its data.
pub struct Postgres {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes an empty cluster and waits until it answers.
    pub fn start() -> Result<Self> {
        let binaries = binaries().context("PostgreSQL's server programs are missing; run `cargo xtask setup`")?;
        let folder = PathBuf::from(
            command::output(Command::new("mktemp").args(["--directory", "--tmpdir", "greenroom-postgres-XXXXXX"]))?.trim(),
        );
        let user = unprivileged()?;
        if let Some(user) = user {
            command::must(Command::new("chown").arg(user).arg(&folder))?;
        }
        let data = folder.join("data");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();

        let mut initdb = as_user(user, &binaries.join("initdb"));
        initdb.args(["--username=greenroom", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"]).arg(&data);
        if let Err(error) = command::output(&mut initdb) {
            fs::remove_dir_all(&folder)?;
            return Err(error);
        }
        let certificate = folder.join("server.crt");
        let key = folder.join("server.key");
        let mut openssl = as_user(user, Path::new("openssl"));
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
        command::output(&mut openssl).context("the server's certificate could not be made with openssl")?;
        let log = fs::File::create(folder.join("log"))?;
        let mut server = as_user(user, &binaries.join("postgres"));
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&folder);
        for setting in [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=200",
            "log_connections=on",
            "ssl=on",
        ] {
            server.args(["-c", setting]);
        }
        for (name, file) in [("ssl_cert_file", &certificate), ("ssl_key_file", &key)] {
            server.arg("-c").arg(format!("{name}={}", file.display()));
        }
        let server = server.stdout(log.try_clone()?).stderr(log).spawn().context("cannot start PostgreSQL")?;
        let mut postgres = Self { server, folder, port };
        postgres.wait(&binaries)?;
        Ok(postgres)
    }

    /// The address of its database, as `DATABASE_URL` takes it.
    pub fn url(&self) -> String {
        format!("postgres://greenroom@127.0.0.1:{}/postgres", self.port)
    }

    /// Its certificate, for `localhost` only: the authority that `sslrootcert` names in tests of TLS.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// How many connections tests have made: none means that nothing was tested here.
    pub fn connections(&self) -> Result<usize> {
        let log = fs::read_to_string(self.folder.join("log"))?;
        Ok(log.matches("connection authorized: user=greenroom").count())
    }

    fn wait(&mut self, binaries: &Path) -> Result<()> {
        for _ in 0..300 {
            if let Some(status) = self.server.try_wait()? {
                bail!("PostgreSQL ended at its start ({status}):\n{}", fs::read_to_string(self.folder.join("log"))?);
            }
            let mut ready = Command::new(binaries.join("pg_isready"));
            ready.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
            if command::succeeds(&mut ready)? {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL did not answer within 30 seconds:\n{}", fs::read_to_string(self.folder.join("log"))?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The data are thrown away, so it need not write them out; SIGQUIT ends its children with it.
        let mut quit = Command::new("sh");
        quit.args(["-c", &format!("kill -QUIT {}", self.server.id())]);
        let asked: Result<()> = command::must(&mut quit).or_else(|_| Ok(self.server.kill()?));
        let ended = asked.and_then(|()| Ok(self.server.wait()?)).and_then(|_| Ok(fs::remove_dir_all(&self.folder)?));
        if let Err(error) = ended {
            eprintln!("xtask: PostgreSQL in {} was not cleaned up: {error:#}", self.folder.display());
        }
    }
}

/// The folder with `initdb`, `postgres` and `pg_isready`: Debian keeps them out of `PATH`.
pub fn binaries() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|program| folder.join(program).is_file());
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    debian
        .into_iter()
        .rev()
        .chain(command::which("initdb").and_then(|initdb| initdb.parent().map(Path::to_path_buf)))
        .find(complete)
}

/// Whom to run it as, where we are root.
fn unprivileged() -> Result<Option<&'static str>> {
    if !command::is_root()? {
        return Ok(None);
    }
    for user in ["postgres", "nobody"] {
        if command::output(Command::new("id").args(["-u", user])).is_ok() {
            return Ok(Some(user));
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`")
}

/// A program started as `user`, which gets SIGINT if this process dies.
fn as_user(user: Option<&str>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid"]).arg(group(user)).arg("--clear-groups");
    }
    command.arg("--").arg(program).current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

/// The user's own group by number: `nobody` is in `nogroup` on Debian.
fn group(user: &str) -> String {
    command::output(Command::new("id").args(["-g", user])).map_or_else(|_| user.to_owned(), |id| id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_answers_and_leaves_nothing_behind() {
        let postgres = Postgres::start().unwrap();
        let (folder, port) = (postgres.folder.clone(), postgres.port);
        assert!(postgres.url().starts_with("postgres://greenroom@127.0.0.1:"));
        assert!(folder.join("data/PG_VERSION").is_file());
        assert_eq!(postgres.connections().unwrap(), 0, "our own question whether it is ready does not count");
        let mut psql = Command::new(binaries().unwrap().join("psql"));
        assert_eq!(command::output(psql.arg(postgres.url()).args(["-Atc", "SELECT 6 * 7"])).unwrap().trim(), "42");
        assert_eq!(postgres.connections().unwrap(), 1);
        drop(postgres);
        assert!(!folder.exists());
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
