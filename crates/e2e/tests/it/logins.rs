//! People who log in with a browser at a real provider (npm's oidc-provider), and terminals that they let in.

use crate::{aws::Boto, clients::Home};
use gantry_e2e::{Answer, Client, Image, Postgres, Server, binary, tool};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A server with a provider beside it, and the role `developer` for those in `dev`.
struct Site {
    server: Server,
    provider: Child,
    _folder: TempDir,
}

impl Site {
    fn start() -> Site {
        Site::with(&[])
    }

    /// The same, with further settings.
    fn with(further: &[(&str, &str)]) -> Site {
        let folder = tempfile::Builder::new().prefix("gantry-e2e-").tempdir().unwrap();
        let data = folder.path().join("data");
        // Where it listens has to be known before the provider is told.
        let mut server = Server::on(&data, further);
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": "arn:aws:ecr:*:*:repository/team/*"},
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        ]});
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}});
        let mut boto = Boto::of(&server);
        let role = json!({"RoleName": "developer", "AssumeRolePolicyDocument": trust.to_string()});
        boto.ask("iam", "create_role", role).unwrap();
        let attached = json!({"RoleName": "developer", "PolicyName": "pull", "PolicyDocument": policy.to_string()});
        boto.ask("iam", "put_role_policy", attached).unwrap();
        Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
        let address = server.address().to_string();
        server.stop();
        let base = format!("http://{address}");
        let (provider, issuer) = provider(&format!("{base}/ui/callback"));
        let mut settings = further.to_vec();
        settings.extend([
            ("GANTRY_LOGIN__PUBLIC_URL", base.as_str()),
            ("GANTRY_LOGIN__OIDC__ISSUER", &issuer),
            ("GANTRY_LOGIN__OIDC__CLIENT_ID", "gantry"),
            ("GANTRY_LOGIN__OIDC__CLIENT_SECRET", "e2e-secret"),
            ("GANTRY_LOGIN__OIDC__ROLES", "dev -> developer"),
            ("GANTRY_OUTBOUND__ALLOW", "127.0.0.1"),
        ]);
        let server = Server::listening(&address, &data, &settings);
        Site { server, provider, _folder: folder }
    }

    fn browser(&self) -> Browser {
        let client = Client::anonymous(self.server.address());
        Browser { client, base: format!("http://{}", self.server.address()), cookies: BTreeMap::new() }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What has ended by itself cannot be killed.
        let _ = self.provider.kill();
        let _ = self.provider.wait();
    }
}

/// Starts a provider that sends browsers back to `redirect`; returns it and its URL.
fn provider(redirect: &str) -> (Child, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(tool("oidc-provider"));
    command.args(["--input-type=module", "-"]).env("OIDC_PORT", port.to_string()).env("OIDC_REDIRECT", redirect);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(include_bytes!("oidc-provider.mjs")).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 && line.trim() != "ready" {
        line.clear();
    }
    assert_eq!(line.trim(), "ready", "the provider did not start");
    // What it prints later is read too, or it would wait for a reader some day.
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    (child, format!("http://127.0.0.1:{port}"))
}

/// As much of a browser as logins need: cookies for each host, redirects, forms.
struct Browser {
    client: Client,
    base: String,
    /// By host and port, and name.
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    fn send(&mut self, method: &str, url: &str, form: Option<&str>, origin: Option<&str>) -> Answer {
        let url = if url.starts_with('/') { format!("{}{url}", self.base) } else { url.to_string() };
        let host = url.split('/').nth(2).unwrap().to_string();
        let own = self.cookies.iter().filter(|((at, _), _)| *at == host);
        let cookie = own.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if !cookie.is_empty() {
            headers.push(("cookie", cookie.as_str()));
        }
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = self.client.send(method, &url, &headers, form.unwrap_or_default().as_bytes());
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(&(host.clone(), name.to_string()))),
                value => drop(self.cookies.insert((host.clone(), name.to_string()), value.to_string())),
            }
        }
        answer
    }

    fn get(&mut self, url: &str) -> Answer {
        self.send("GET", url, None, None)
    }

    /// Sends a form of a page of ours.
    fn post(&mut self, path: &str, form: &str) -> Answer {
        let base = self.base.clone();
        self.send("POST", path, Some(form), Some(&base))
    }

    /// Goes through a login as `name` up to where the provider sends the browser back to; returns that address.
    fn authenticate(&mut self, name: &str, return_to: &str) -> String {
        let begun = self.get(&format!("/ui/login/begin?return_to={return_to}"));
        let mut url = begun.header("location").unwrap_or_else(|| panic!("{}", begun.text())).to_string();
        let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
        for _ in 0..12 {
            if url.contains("/ui/callback?") {
                return url;
            }
            let answer = self.get(&url);
            let there = match answer.header("location") {
                Some(there) => there.to_string(),
                None => {
                    let is_login = answer.text().contains("value=\"login\"");
                    let form = match is_login {
                        true => format!("prompt=login&login={}&password=x", name.replace('+', "%2B")),
                        false => "prompt=consent".to_string(),
                    };
                    let sent = self.send("POST", &url, Some(&form), Some(&host));
                    sent.header("location").unwrap_or_else(|| panic!("{}", sent.text())).to_string()
                }
            };
            url = if there.starts_with('/') { format!("{host}{there}") } else { there };
        }
        panic!("the provider leads round in circles: {url}");
    }

    /// Logs in as `name`; returns what was answered at the end.
    fn log_in(&mut self, name: &str) -> Answer {
        let back = self.authenticate(name, "/ui/login");
        self.get(&back)
    }
}

/// What stands in a hidden field of a page.
fn form_token(page: &Answer) -> String {
    let text = page.text();
    let rest = text.split_once("name=\"token\" value=\"").unwrap_or_else(|| panic!("no form: {text}")).1;
    rest.split_once('"').unwrap().0.to_string()
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}")).1;
    rest.split_once(behind).unwrap().0
}

#[test]
fn a_person_logs_in_sees_who_he_is_and_logs_out() {
    let site = Site::start();
    let mut browser = site.browser();

    let page = browser.get("/ui/login");
    assert!(page.status == 200 && page.text().contains("Log in with oidc"), "{}", page.text());
    for (name, value) in [
        ("content-security-policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let done = browser.log_in("ann+dev");
    assert_eq!((done.status, done.header("location")), (303, Some("/ui/login")), "{}", done.text());
    let set: Vec<_> = done.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert!(set[0].starts_with("gantry=") && set[0].ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set:?}");
    let page = browser.get("/ui/login").text();
    assert!(page.contains("<dd>ann</dd>") && page.contains("assumed-role/developer/ann-"), "{page}");
    let token = form_token(&browser.get("/ui/login"));
    assert_eq!(browser.post("/ui/logout", &format!("token={token}")).status, 303);
    assert!(browser.get("/ui/login").text().contains("Nobody is logged in"));
}

#[test]
fn whose_groups_have_no_role_is_told_so_and_not_let_in() {
    let site = Site::start();
    let mut browser = site.browser();

    let refused = browser.log_in("eve+ops");

    assert!(refused.status == 403 && refused.text().contains("none of your groups"), "{}", refused.text());
    assert!(browser.get("/ui/login").text().contains("Nobody is logged in"));
}

/// Threat 38: an answer in another browser (session fixation), and an answer once more.
#[test]
fn an_answer_of_the_provider_is_good_once_and_in_the_browser_that_asked() {
    let site = Site::start();
    let (mut mine, mut other) = (site.browser(), site.browser());
    let back = mine.authenticate("ann+dev", "/ui/login");
    other.get("/ui/login/begin");

    let refused = other.get(&back);
    assert!(refused.status == 403 && refused.text().contains("another login"), "{}", refused.text());
    let refused = site.browser().get(&back);
    assert!(refused.status == 403 && refused.text().contains("no login under way"), "{}", refused.text());
    let mixed = mine.get(&back.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2Fevil.example"));
    assert!(mixed.status == 403 && mixed.text().contains("another identity provider"), "{}", mixed.text());
    let attempt = mine.cookies.clone();
    assert_eq!(mine.get(&back).status, 303);
    mine.cookies = attempt;
    let replayed = mine.get(&back);
    assert!(replayed.status == 403 && replayed.text().contains("invalid_grant"), "{}", replayed.text());
}

/// Threat 38: a form that another site has a browser send.
#[test]
fn a_form_of_another_site_changes_nothing_and_no_api_reads_the_cookie() {
    let site = Site::start();
    let mut browser = site.browser();
    browser.log_in("ann+dev");
    let token = form_token(&browser.get("/ui/login"));

    for (origin, form) in [
        (Some("https://evil.example"), format!("token={token}")),
        (Some("null"), format!("token={token}")),
        (None, format!("token={token}")),
        (Some(browser.base.clone().as_str()), "token=".into()),
        (Some(browser.base.clone().as_str()), "token=abc".into()),
    ] {
        for path in ["/ui/logout", "/ui/credentials", "/ui/device"] {
            assert_eq!(
                browser.send("POST", path, Some(&form), origin).status,
                403,
                "{path} from {origin:?} with {form}"
            );
        }
    }

    assert!(browser.get("/ui/login").text().contains("You are"), "he is still logged in");
    for path in ["/v2/", "/v2/team/app/manifests/v1", "/api/v1/repositories", "/metrics"] {
        assert_eq!(browser.get(path).status, 401, "{path}");
    }
}

#[test]
fn a_page_gives_credentials_that_docker_takes() {
    let site = Site::start();
    let mut browser = site.browser();
    browser.log_in("ann+dev");
    let token = form_token(&browser.get("/ui/login"));

    let made = browser.post("/ui/credentials", &format!("token={token}")).text();

    let password = between(&made, "<code id=\"password\">", "</code>");
    let client = Client::new(site.server.address(), "AWS", password);
    assert_eq!(client.get("/v2/team/app/manifests/v1").status, 200);
    assert_eq!(client.send("PUT", "/v2/team/app/manifests/v2", &[], b"{}").status, 403);
}

#[test]
fn somebody_from_outside_makes_and_revokes_a_token_of_his_own_that_docker_takes() {
    let site = Site::start();
    let mut browser = site.browser();
    browser.log_in("ann+dev");
    let token = form_token(&browser.get("/ui/login"));

    let made = browser.post("/ui/tokens", &format!("token={token}&name=laptop&days=7")).text();

    let (user, password) = (between(&made, "id=\"user\">", "</code>"), between(&made, "id=\"password\">", "</code>"));
    let client = Client::new(site.server.address(), user, password);
    assert_eq!(client.get("/v2/team/app/manifests/v1").status, 200);
    assert_eq!(client.send("PUT", "/v2/team/app/manifests/v2", &[], b"{}").status, 403);
    assert_eq!(
        client.send("POST", "/api/v1/tokens", &[], br#"{"name": "more"}"#).status,
        403,
        "a token begets no token"
    );
    let page = browser.get("/ui/login").text();
    assert!(page.contains("laptop, good until") && !page.contains(password), "{page}");
    let id = between(&page, "name=\"id\" value=\"", "\"");
    let everybodys = site.server.client().get("/api/v1/tokens?user=*").json();
    assert_eq!((&everybodys["tokens"][0]["id"], &everybodys["tokens"][0]["user"]), (&json!(id), &json!(user)));
    assert_eq!(browser.post("/ui/tokens", &format!("token={token}&name=long&days=91")).status, 400);
    assert_eq!(browser.post("/ui/tokens/revoke", &format!("token={token}&id={id}")).status, 303);
    assert_eq!(client.get("/v2/").status, 401);
    assert!(!browser.get("/ui/login").text().contains("laptop"));
}

#[test]
fn an_administrator_ends_what_somebody_has_open() {
    let site = Site::start();
    let (mut browser, root) = (site.browser(), site.server.client());
    browser.log_in("ann+dev");

    let listed = root.get("/api/v1/sessions").json();
    let id = listed["sessions"][0]["id"].as_str().unwrap();
    let ended = root.send("DELETE", &format!("/api/v1/sessions/{id}"), &[], &[]);

    assert_eq!(
        (&listed["sessions"][0]["kind"], &listed["sessions"][0]["subject"]),
        (&json!("page"), &json!("ann+dev"))
    );
    assert_eq!(ended.status, 204, "{}", ended.text());
    assert!(browser.get("/ui/login").text().contains("Nobody is logged in"));
    assert_eq!(root.get("/api/v1/sessions").json()["sessions"], json!([]));
}

#[test]
fn a_terminal_is_let_in_with_a_browser_and_crane_pulls() {
    let site = Site::start();
    let home = Home::new();
    let mut command = Command::new(binary());
    home.settle(&mut command);
    command.args(["login", site.server.address(), "--oidc", "--device", "--docker", "--output", "json"]);
    let mut login = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(login.stderr.take().unwrap());
    let mut browser = site.browser();
    let (mut shown, mut line) = (String::new(), String::new());
    while errors.read_line(&mut line).unwrap() > 0 && !line.starts_with("Or type") {
        shown.push_str(&std::mem::take(&mut line));
    }
    let url = between(&shown, "Open ", " in a browser");

    // Nobody is logged in yet: the page leads to the login, and that back to the page.
    let led = browser.get(url);
    let login_page = led.header("location").unwrap().to_string();
    let page = browser.get(&login_page).text();
    let return_to = between(&page, "return_to=", "\"");
    let back = browser.authenticate("ann+dev", return_to);
    let there = browser.get(&back).header("location").unwrap().to_string();
    let asked = browser.get(&there);
    assert!(asked.text().contains("gantry/") && asked.text().contains("<dd>127.0.0.1</dd>"), "{}", asked.text());
    let form = format!("token={}&code={}&answer=allow", form_token(&asked), url.split_once("code=").unwrap().1);
    let answered = browser.post("/ui/device", &form);

    assert!(answered.text().contains("is let in"), "{}", answered.text());
    let output = login.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["user"].as_str(), told["server"].as_str()), (Some("AWS"), Some(site.server.address())));
    let image = format!("{}/team/app:v1", site.server.address());
    home.run(&format!("crane pull {image} {}", home.path("pulled.tar").display())).succeeded();
    home.run(&format!("crane delete {image}")).refused();
}

#[test]
fn the_device_flow_speaks_its_standard() {
    let site = Site::start();
    let client = Client::anonymous(site.server.address());
    let form = [("content-type", "application/x-www-form-urlencoded")];

    let asked = client.send("POST", "/api/v1/device/code", &form, b"client_id=test").json();

    assert_eq!((asked["expires_in"].as_u64(), asked["interval"].as_u64()), (Some(600), Some(5)));
    let code = asked["device_code"].as_str().unwrap();
    let question = format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code={code}");
    let answer = client.send("POST", "/api/v1/device/token", &form, question.as_bytes());
    assert_eq!((answer.status, answer.json()), (400, json!({"error": "slow_down"})));
    let answer = client.send("POST", "/api/v1/device/token", &form, b"device_code=unknown");
    assert_eq!((answer.status, answer.json()), (400, json!({"error": "expired_token"})));
}

#[test]
fn logins_work_on_postgresql_as_they_do_on_sqlite() {
    let postgres = Postgres::start();
    let mut site = Site::with(&[("GANTRY_DATABASE__URL", &postgres.url())]);
    let mut browser = site.browser();
    let client = Client::anonymous(site.server.address());
    assert_eq!(browser.log_in("ann+dev").status, 303);
    let asked = client.send("POST", "/api/v1/device/code", &[], br#"{"client_id": "test"}"#).json();
    let code = asked["user_code"].as_str().unwrap();

    let page = browser.get(&format!("/ui/device?code={code}"));
    let form = format!("token={}&code={code}&answer=refuse", form_token(&page));
    assert!(browser.post("/ui/device", &form).text().contains("is refused"));
    assert_eq!(browser.post("/ui/device", &form).status, 400, "it waits no more");
    let question = json!({"device_code": asked["device_code"]}).to_string();
    let answer = client.send("POST", "/api/v1/device/token", &[], question.as_bytes());

    assert_eq!((answer.status, answer.json()), (400, json!({"error": "slow_down"})));
    site.server.restart();
    assert!(browser.get("/ui/login").text().contains("You are"), "a session outlives a restart");
}

#[test]
fn without_a_provider_there_are_no_logins() {
    let server = Server::start();
    let client = Client::anonymous(server.address());

    let page = client.get("/ui/login");

    assert!(page.status == 200 && page.text().contains("not set up"), "{}", page.text());
    assert_eq!(client.get("/ui/login/begin").status, 404);
    assert_eq!(client.send("POST", "/api/v1/device/code", &[], b"{}").status, 404);
}
