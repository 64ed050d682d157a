//! The processes: started from this very binary, stopped and killed with signals, and listened to.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use crate::{clock::Hands, node::Config};

/// What a process said.
struct Line {
    slot: usize,
    life: usize,
    at: Instant,
    text: String,
}

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    Running,
    Stopped,
    Dead,
}

struct Process {
    child: Child,
    input: ChildStdin,
    pulse: Pulse,
    /// Counts its starts.
    life: usize,
    ready: bool,
}

/// A refresh that a process began.
#[derive(Debug, Clone)]
pub struct Call {
    pub slot: usize,
    pub life: usize,
    pub dc: String,
    /// See [`crate::node::token_name`].
    pub token: String,
    pub begun: Instant,
    /// Whether the answer is there and the process is about to store it.
    pub answered: bool,
    /// When and how it ended, as far as the process could tell.
    pub ended: Option<(Instant, String)>,
    /// What was done to the process while the call was on its way.
    pub struck: Option<Pulse>,
}

/// All processes, and what they said.
pub struct Fleet {
    configs: Vec<Config>,
    processes: Vec<Process>,
    dir: PathBuf,
    hands: Hands,
    lines: mpsc::UnboundedReceiver<Line>,
    said: mpsc::UnboundedSender<Line>,
    /// By slot, life and the process's own number.
    pub calls: BTreeMap<(usize, usize, u64), Call>,
    /// Outcomes of what they were asked, oldest first: slot, order, outcome.
    pub answers: Vec<(usize, String, String)>,
    /// When each life was ended from outside.
    pub kills: Vec<(usize, usize, Instant)>,
}

impl Fleet {
    /// Starts a process for each configuration.
    pub fn start(configs: Vec<Config>, dir: &Path, hands: &Hands) -> Self {
        let (said, lines) = mpsc::unbounded_channel();
        let mut fleet = Self {
            processes: Vec::new(),
            dir: dir.to_owned(),
            hands: hands.clone(),
            lines,
            said,
            calls: BTreeMap::new(),
            answers: Vec::new(),
            kills: Vec::new(),
            configs,
        };
        for slot in 0..fleet.configs.len() {
            let process = fleet.spawn(slot, 0);
            fleet.processes.push(process);
        }
        fleet
    }

    fn spawn(&self, slot: usize, life: usize) -> Process {
        let file = |what: &str| File::create(self.dir.join(format!("node-{slot}-{life}.{what}"))).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(crate::AS_A_PROCESS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file("log"))
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let seed = u64::try_from(life).unwrap() * 1_000;
        let config = Config { seed: self.configs[slot].seed + seed, ..self.configs[slot].clone() };
        writeln!(input, "{}", serde_json::to_string(&config).unwrap()).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, mut copy) = (self.said.clone(), file("out"));
        std::thread::spawn(move || {
            for text in output.lines().map_while(Result::ok) {
                writeln!(copy, "{text}").unwrap();
                let Some(text) = text.strip_prefix("node: ") else { continue };
                if said.send(Line { slot, life, at: Instant::now(), text: text.to_owned() }).is_err() {
                    break;
                }
            }
        });
        Process { child, input, pulse: Pulse::Running, life, ready: false }
    }

    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Processes that run: only their calls hold up business time.
    pub fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.processes.len()).filter(|slot| self.processes[*slot].pulse == Pulse::Running)
    }

    /// Whether a process has a refresh of this data centre on its way that began after `since`; with its answer, if `answered`.
    pub fn refreshes(&self, slot: usize, dc: &str, since: Instant, answered: bool) -> bool {
        let life = self.processes[slot].life;
        // Only the newest: a long run makes hundreds of thousands.
        let mut newest = self.calls.range((slot, life, 0)..=(slot, life, u64::MAX)).rev().take(64);
        newest.any(|(_, call)| call.dc == dc && call.begun >= since && call.ended.is_none() && call.answered >= answered)
    }

    /// Asks a process for something. One that is dead cannot be asked.
    pub fn ask(&mut self, slot: usize, order: &str) {
        if self.processes[slot].pulse != Pulse::Dead {
            writeln!(self.processes[slot].input, "{order}").unwrap();
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self, slot: usize) {
        let process = &mut self.processes[slot];
        if process.pulse == Pulse::Dead {
            return;
        }
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        process.pulse = Pulse::Dead;
        let life = process.life;
        self.hands.forget(slot);
        self.kills.push((slot, life, Instant::now()));
        self.listen();
        self.mark(slot, Pulse::Dead);
    }

    /// SIGSTOP.
    pub fn stop(&mut self, slot: usize) {
        if self.processes[slot].pulse == Pulse::Running {
            self.signal(slot, "-STOP");
            self.processes[slot].pulse = Pulse::Stopped;
            self.listen();
            self.mark(slot, Pulse::Stopped);
        }
    }

    /// SIGCONT.
    pub fn resume(&mut self, slot: usize) {
        if self.processes[slot].pulse == Pulse::Stopped {
            self.processes[slot].pulse = Pulse::Running;
            self.signal(slot, "-CONT");
        }
    }

    fn signal(&self, slot: usize, signal: &str) {
        let pid = self.processes[slot].child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success(), "kill {signal} {pid}");
    }

    /// Starts a process that is dead.
    pub fn revive(&mut self, slot: usize) {
        if self.processes[slot].pulse == Pulse::Dead {
            self.processes[slot] = self.spawn(slot, self.processes[slot].life + 1);
        }
    }

    fn mark(&mut self, slot: usize, by: Pulse) {
        let life = self.processes[slot].life;
        for call in self.calls.range_mut((slot, life, 0)..=(slot, life, u64::MAX)).map(|(_, call)| call) {
            if call.ended.is_none() {
                call.struck = Some(by);
            }
        }
    }

    /// Takes in what was said since.
    pub fn listen(&mut self) {
        while let Ok(Line { slot, life, at, text }) = self.lines.try_recv() {
            let words: Vec<&str> = text.split(' ').collect();
            match words[..] {
                ["ready"] => self.processes[slot].ready = true,
                ["begin", number, dc, token] => {
                    let key = (slot, life, number.parse().unwrap());
                    let (dc, token) = (dc.to_owned(), token.to_owned());
                    self.calls.insert(key, Call { slot, life, dc, token, begun: at, answered: false, ended: None, struck: None });
                }
                ["answered", number] => {
                    self.calls.get_mut(&(slot, life, number.parse().unwrap())).unwrap().answered = true;
                }
                ["end", number, outcome] => {
                    let call = self.calls.get_mut(&(slot, life, number.parse().unwrap())).unwrap();
                    call.ended = Some((at, outcome.to_owned()));
                }
                ["asked", verb, email, outcome] => {
                    self.answers.push((slot, format!("{verb} {email}"), outcome.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Waits until all that were started are ready.
    pub async fn ready(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            self.listen();
            for process in &mut self.processes {
                assert!(
                    process.pulse == Pulse::Dead || process.child.try_wait().unwrap().is_none(),
                    "a process ended by itself; its log is in {}",
                    self.dir.display()
                );
            }
            if self.processes.iter().all(|process| process.ready || process.pulse != Pulse::Running) {
                return;
            }
            assert!(Instant::now() < deadline, "a process does not start; its log is in {}", self.dir.display());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A process must not end by itself.
    pub fn check(&mut self) {
        for (slot, process) in self.processes.iter_mut().enumerate() {
            if process.pulse != Pulse::Dead {
                let ended = process.child.try_wait().unwrap();
                assert!(ended.is_none(), "process {slot} ended by itself ({ended:?}); its log is in {}", self.dir.display());
            }
        }
    }

    /// Ends all.
    pub fn end(&mut self) {
        for slot in 0..self.processes.len() {
            self.kill(slot);
        }
        self.listen();
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // Ended already, or ended now: either way none is left behind a test that failed.
            if process.pulse != Pulse::Dead && process.child.kill().is_ok() {
                drop(process.child.wait());
            }
        }
    }
}
