//! Keys from a program, such as the client of a key service. It is started without a shell, gets none of our secrets, and has its time.

use std::{
    fmt,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use vault::KeyText;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How much it may say: a ring of hundreds of keys.
const MAX_BYTES: u64 = 64 * 1024;
/// How often it is asked whether it has ended, once it has said everything.
const STEP: Duration = Duration::from_millis(10);

/// A program and its arguments. Prints the program only: arguments may name what others need not know.
#[derive(Clone)]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
    /// Variables it does not get.
    hidden: Vec<String>,
    limit: Duration,
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCommand({}, {} arguments)", self.program, self.arguments.len())
    }
}

impl KeyCommand {
    /// A JSON list of texts, or words with spaces between them. It does not get the variables `hidden`.
    pub fn parse(text: &str, hidden: Vec<String>) -> Result<Self> {
        let words: Vec<String> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).ok().context(
                "GREENROOM_KEY_COMMAND begins with `[` and is no JSON list of texts such as [\"/usr/bin/vault\", \"read\"]",
            )?
        } else {
            text.split_whitespace().map(ToOwned::to_owned).collect()
        };
        let Some((program, arguments)) = words.split_first() else { bail!("GREENROOM_KEY_COMMAND names no program") };
        Ok(Self { program: program.clone(), arguments: arguments.to_vec(), hidden, limit: LIMIT })
    }

    /// The program's name.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What it prints. What it says on standard error is not kept: it may hold what should not be in a log.
    pub async fn run(&self) -> Result<KeyText> {
        let this = self.clone();
        let run = tokio::task::spawn_blocking(move || this.run_now());
        run.await?.with_context(|| format!("GREENROOM_KEY_COMMAND gave no keys ({}); run it by hand to see why", self.program))
    }

    fn run_now(&self) -> Result<KeyText> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        for name in &self.hidden {
            command.env_remove(name);
        }
        let mut child = command.spawn().context("it cannot be started")?;
        let said = self.listen(&mut child);
        if said.is_err() {
            child.kill().context("it does not answer and cannot be ended")?;
            child.wait()?;
        }
        let (text, status) = said?;
        ensure!(status.success(), "it ended with {status}");
        Ok(text)
    }

    fn listen(&self, child: &mut Child) -> Result<(KeyText, ExitStatus)> {
        let mut output = child.stdout.take().context("it has no output")?.take(MAX_BYTES + 1);
        let (done, ended) = channel();
        std::thread::spawn(move || {
            let mut text = String::with_capacity(4 * 1024);
            let read = output.read_to_string(&mut text);
            let text = KeyText::new(text);
            // Nobody waits any more if it took too long.
            done.send(read.map(|_| text)).is_ok()
        });
        let text = match ended.recv_timeout(self.limit) {
            Ok(read) => read.ok().context("its output is no text")?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                bail!("it did not end within {} seconds", self.limit.as_secs())
            }
        };
        ensure!(u64::try_from(text.expose().len())? <= MAX_BYTES, "it says more than {MAX_BYTES} bytes, which is no key ring");
        let steps = self.limit.as_millis() / STEP.as_millis();
        for _ in 0..steps {
            if let Some(status) = child.try_wait()? {
                return Ok((text, status));
            }
            std::thread::sleep(STEP);
        }
        bail!("it did not end within {} seconds", self.limit.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    async fn said(command: &str) -> String {
        format!("{:#}", KeyCommand::parse(command, Vec::new()).unwrap().run().await.unwrap_err())
    }

    #[tokio::test]
    async fn the_output_is_the_ring() {
        let text = KeyCommand::parse(&format!("echo {HEX}"), Vec::new()).unwrap().run().await.unwrap();
        assert_eq!(text.expose(), format!("{HEX}\n"));
        let list = KeyCommand::parse(r#"["printf", "%s %s", "a b", "$HOME"]"#, Vec::new()).unwrap();
        assert_eq!(list.run().await.unwrap().expose(), "a b $HOME", "no shell looks at it");
        let hiding = KeyCommand::parse("printenv PATH", vec!["PATH".to_owned()]).unwrap();
        assert!(hiding.run().await.is_err(), "what is hidden is not there");
    }

    #[tokio::test]
    async fn failures_are_named_and_nothing_that_was_said_is_repeated() {
        for (command, sentence) in [
            ("/nonexistent/program x", "cannot be started"),
            ("false", "it ended with"),
            (r#"["sh", "-c", "echo hunter2; echo hunter2 >&2; exit 3"]"#, "exit status: 3"),
            (r#"["sh", "-c", "printf '\\377'"]"#, "no text"),
            ("head -c 70000 /dev/zero", "no key ring"),
        ] {
            let error = said(command).await;
            assert!(error.contains(sentence) && error.contains("run it by hand"), "{command}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(KeyCommand::parse(" ", Vec::new()).is_err() && KeyCommand::parse("[1]", Vec::new()).is_err());
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended() {
        let hanging = KeyCommand { limit: Duration::from_millis(50), ..KeyCommand::parse("sleep 600", Vec::new()).unwrap() };
        assert!(format!("{:#}", hanging.run().await.unwrap_err()).contains("did not end"));
        let shown = format!("{hanging:?}");
        assert!(shown.contains("sleep") && !shown.contains("600"), "{shown}");
    }
}
