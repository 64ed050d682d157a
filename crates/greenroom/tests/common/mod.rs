//! The built binary as somebody runs it, in folders of its own, beside a simulated Zoho.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "test support")]
#![expect(dead_code, reason = "each test file uses its part")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde_json::Value;
use tokio::net::TcpListener;
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DataCentre, Options, Sim, Switches};

/// What happens by itself happens within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Folders, a simulated Zoho, and the variables that point `serve` at it.
pub struct Scene {
    pub dir: PathBuf,
    pub sim: Sim,
    pub zoho: String,
    pub greenroom: String,
    pub variables: BTreeMap<String, String>,
    pub client: Client,
}

impl Scene {
    pub async fn new(name: &str) -> Self {
        // The first test of a process installs it; the others find it there.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        for folder in ["home", "work"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let (us, us_origin) = listen().await;
        let (eu, eu_origin) = listen().await;
        // Free now, and nobody else asks for it in between.
        let (port, greenroom) = listen().await;
        drop(port);
        let sim = Sim::new(Options {
            clock: Arc::new(jiff::Timestamp::now),
            data_centres: [("us", &us_origin), ("eu", &eu_origin)]
                .map(|(location, origin)| DataCentre { location: location.to_owned(), origin: origin.parse().unwrap() })
                .into(),
            switches: Switches::default(),
            state_dir: None,
            seed: 1,
        })
        .unwrap();
        let redirect = format!("{greenroom}/api/oauth/callback/");
        sim.with(|world, now| zoho_sim::seed_demo(world, vec![redirect.clone()], now));
        for (location, listener) in [("us", us), ("eu", eu)] {
            let sim = sim.clone();
            tokio::spawn(async move { sim.serve(location, listener, std::future::pending()).await });
        }
        let variables = BTreeMap::from(
            [
                ("ZOHO_CLIENT_ID", DEMO_CLIENT_ID.to_owned()),
                ("ZOHO_CLIENT_SECRET", DEMO_CLIENT_SECRET.to_owned()),
                ("ZOHO_REDIRECT_URI", redirect),
                ("ZOHO_ACCOUNTS_URL", us_origin.clone()),
                ("GREENROOM_ZOHO_HOSTS", format!("us={us_origin},eu={eu_origin}")),
                ("HOME", dir.join("home").to_str().unwrap().to_owned()),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build().unwrap();
        Self { dir, sim, zoho: us_origin, greenroom, variables, client }
    }

    /// Sets or replaces a variable.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.variables.insert(key.to_owned(), value.into());
        self
    }

    pub fn database(&self) -> PathBuf {
        self.dir.join("work/greenroom.db")
    }

    pub fn key_file(&self) -> PathBuf {
        self.dir.join("home/.config/greenroom/greenroom.key")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_greenroom"));
        command.args(arguments).current_dir(self.dir.join("work")).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        command.envs(more.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        tokio::time::timeout(PATIENCE, output).await.expect("the command does not end").unwrap()
    }

    /// Starts `serve` and waits until it is ready.
    pub async fn serve(&self) -> Serving {
        let mut child = self.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, wait) = mpsc::channel();
        let (stderr, copy) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                copy.lock().unwrap().extend([line.as_str(), "\n"]);
                if line.contains(" ready ") && ready.send(()).is_err() {
                    // Nobody waits any more.
                }
            }
        });
        let told = tokio::task::spawn_blocking(move || wait.recv_timeout(PATIENCE)).await.unwrap();
        let serving = Serving { child, log };
        assert!(told.is_ok(), "serve did not become ready:\n{}", serving.log());
        serving
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.greenroom)).send().await.unwrap()
    }

    /// A form as the browser sends it from one of our pages.
    pub async fn post_form(&self, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Response {
        let mut request =
            self.client.post(format!("{}{path}", self.greenroom)).header(header::ORIGIN, &self.greenroom).form(fields);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.send().await.unwrap()
    }

    pub fn api(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1/{path}", self.greenroom)).bearer_auth(key)
    }

    /// Logs in by the printed link: the cookie.
    pub async fn log_in(&self, printed: &str) -> String {
        let start = printed.find("/login/").expect("a log-in link is printed");
        let path = printed[start..].split_whitespace().next().unwrap();
        let answer = self.use_link(path).await;
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Opens a one-time link and presses its button, as a browser does: with the cookie and the token of its page.
    pub async fn use_link(&self, path: &str) -> Response {
        let page = self.get(path).await;
        let visitor = page.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = page.text().await.unwrap();
        let token = between(&page, "name=\"csrf\" value=\"", "\"");
        self.post_form(path, Some(&visitor), &[("csrf", token)]).await
    }

    /// A page of the dashboard.
    pub async fn page(&self, path: &str, cookie: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.greenroom)).header(header::COOKIE, cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Makes an API key on the dashboard.
    pub async fn make_key(&self, cookie: &str) -> String {
        let page = self.page("/keys", cookie).await;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
        let fields = [
            ("csrf", csrf),
            ("name", "tests"),
            ("right", "read"),
            ("right", "propose"),
            ("right", "commit"),
            ("days", "30"),
            ("action", "create"),
        ];
        let made = self.post_form("/keys", Some(cookie), &fields).await.text().await.unwrap();
        let start = made.find("grk_").expect("the new key is shown");
        made[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect()
    }

    /// The manager consents at the simulator and comes back; waits until the grant works. Gives the address that Zoho sent
    /// the browser back to, and the path of the outcome.
    pub async fn connect(&self, email: &str, key: &str) -> (String, String) {
        let url = format!("{}/api/admin/oauth/setup/", self.greenroom);
        let asked = self.client.post(url).bearer_auth(key).form(&[("manager_email", email)]).send().await.unwrap();
        let asked: Value = asked.json().await.unwrap();
        let consent = url::Url::parse(asked["authorization_url"].as_str().unwrap()).unwrap();
        let mut fields: Vec<(String, String)> = consent.query_pairs().into_owned().collect();
        fields.extend([("user".to_owned(), email.to_owned()), ("decision".to_owned(), "accept".to_owned())]);
        let decided = self.client.post(format!("{}/oauth/v2/auth/decide", self.zoho)).form(&fields).send().await.unwrap();
        let callback = decided.headers()[header::LOCATION].to_str().unwrap().to_owned();
        let returned = self.client.get(&callback).send().await.unwrap();
        assert_eq!(returned.status(), 303);
        let outcome = returned.headers()[header::LOCATION].to_str().unwrap().to_owned();
        self.until("the connection", async || self.status(email, key).await["has_valid_token"] == true).await;
        (callback, outcome)
    }

    pub async fn status(&self, email: &str, key: &str) -> Value {
        let url = format!("{}/api/admin/oauth/status/?manager_email={email}", self.greenroom);
        self.client.get(url).bearer_auth(key).send().await.unwrap().json().await.unwrap()
    }

    /// Asks until it is so.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let asked = async {
            let mut again = tokio::time::interval(Duration::from_millis(20));
            while !is_so().await {
                again.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "{what} did not come");
    }
}

/// `serve`, running. Dropped, it is killed.
pub struct Serving {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Serving {
    /// Standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to end, as systemd does, and waits at most `patience`: how it ended, and its standard output.
    pub async fn stop(mut self, patience: Duration) -> (ExitStatus, String) {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(told.success());
        let ended = async {
            let mut again = tokio::time::interval(Duration::from_millis(10));
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                again.tick().await;
            }
        };
        let status = tokio::time::timeout(patience, ended).await.expect("it does not end");
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        (status, printed)
    }

    /// The log-in link of a first start, from standard output, while it runs.
    pub fn printed(&mut self) -> String {
        let mut printed = String::new();
        let mut reader = BufReader::new(self.child.stdout.as_mut().unwrap());
        while !printed.contains("/login/") {
            assert!(reader.read_line(&mut printed).unwrap() > 0, "it printed no link: {printed}");
        }
        printed
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let killed = self.child.kill().and_then(|()| self.child.wait());
            assert!(killed.is_ok() || std::thread::panicking());
        }
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    (listener, origin)
}

/// The text between two others.
pub fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).expect(start) + start.len();
    &text[from..from + text[from..].find(end).unwrap()]
}

/// The permission bits of a file.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Both outputs of a command, for messages.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
