use gantry_api::Listener;
use std::{net::SocketAddr, path::Path};

/// What a server says when it is ready.
pub(crate) struct Greeting<'a> {
    /// Where it listens.
    pub(crate) urls: Vec<String>,
    /// Where the metrics are, if they have an address of their own.
    pub(crate) metrics: Vec<String>,
    /// The file with the generated credentials; `None` where they are configured.
    pub(crate) credentials: Option<&'a Path>,
    /// The root's access key id.
    pub(crate) user: &'a str,
    /// Whether blobs of repositories for which nothing is asked are encrypted at rest.
    pub(crate) is_encrypted: bool,
    /// Whether Vault holds the key that the master key is wrapped under.
    pub(crate) has_vault: bool,
    /// The file with a master key that was made here; `None` where none was, or another is used.
    pub(crate) master_key: Option<&'a Path>,
}

impl Greeting<'_> {
    /// Where the listeners can be reached, the first one first.
    pub(crate) fn urls(listeners: &[Listener], has_certificate: bool) -> Vec<String> {
        listeners.iter().map(|listener| listener.url(has_certificate)).collect()
    }

    /// Says where the server is, where its credentials are, and what to type next.
    pub(crate) fn print(&self) -> String {
        let mut text: String = self.urls.iter().map(|url| format!("Gantry listens on {url}\n")).collect();
        text.extend(self.metrics.iter().map(|url| format!("Metrics are at {url}/metrics\n")));
        let login = match self.credentials {
            Some(file) => {
                let file = file.display();
                text.push_str(&format!("Root credentials:   {file}\n"));
                format!(
                    "sed -n 's/^aws_secret_access_key = //p' {file} | docker login HOST -u {} --password-stdin",
                    self.user
                )
            }
            None => {
                text.push_str(&format!("Root credentials:   as configured, user {}\n", self.user));
                format!("docker login HOST -u {}", self.user)
            }
        };
        text.push_str(match self.is_encrypted {
            true if self.has_vault => {
                "Blobs of new repositories are stored encrypted under the master key, which only Vault unwraps.\n"
            }
            true => "Blobs of new repositories are stored encrypted under the master key; keep a copy of that key.\n",
            false => "Blobs are stored plain: encrypt the disk where that matters.\n",
        });
        if let Some(file) = self.master_key {
            let file = file.display();
            text.push_str(&format!(
                "Master key:         {file}, made for what had to be encrypted; keep a copy of it\n"
            ));
        }
        // Docker reaches no Unix socket; who listens on nothing else has a proxy before it.
        let Some(url) = self.urls.iter().find_map(|url| reachable(url)) else { return text };
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        let login = login.replace("HOST", host);
        text.push_str(&format!(
            "\nTry:\n  {login}\n  gantry repo create hello --server {url}\n  docker tag IMAGE {host}/hello:v1 && docker push {host}/hello:v1\n"
        ));
        text
    }
}

/// Where this machine reaches a listener: on every address means on the loopback too.
fn reachable(url: &str) -> Option<String> {
    let (scheme, address) = url.split_once("://")?;
    let address = match address.parse::<SocketAddr>() {
        Ok(socket) if socket.ip().is_unspecified() => format!("127.0.0.1:{}", socket.port()),
        _ => address.to_string(),
    };
    Some(format!("{scheme}://{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_says_where_it_is_where_the_credentials_are_and_what_to_type() {
        let greeting = Greeting {
            urls: vec!["http://127.0.0.1:5000".into()],
            metrics: vec![],
            credentials: Some(Path::new("data/root-credentials")),
            user: "AKIAROOT",
            is_encrypted: false,
            has_vault: false,
            master_key: Some(Path::new("data/master-key")),
        };

        insta::assert_snapshot!(greeting.print(), @r"
        Gantry listens on http://127.0.0.1:5000
        Root credentials:   data/root-credentials
        Blobs are stored plain: encrypt the disk where that matters.
        Master key:         data/master-key, made for what had to be encrypted; keep a copy of it

        Try:
          sed -n 's/^aws_secret_access_key = //p' data/root-credentials | docker login 127.0.0.1:5000 -u AKIAROOT --password-stdin
          gantry repo create hello --server http://127.0.0.1:5000
          docker tag IMAGE 127.0.0.1:5000/hello:v1 && docker push 127.0.0.1:5000/hello:v1
        ");
    }

    #[test]
    fn what_to_type_names_an_address_that_docker_reaches() {
        let greeting = Greeting {
            urls: vec!["unix:/run/gantry.sock".into(), "https://[::]:5000".into()],
            metrics: vec!["http://127.0.0.1:9090".into()],
            credentials: None,
            user: "AKIAROOT",
            is_encrypted: true,
            has_vault: false,
            master_key: None,
        };

        insta::assert_snapshot!(greeting.print(), @r"
        Gantry listens on unix:/run/gantry.sock
        Gantry listens on https://[::]:5000
        Metrics are at http://127.0.0.1:9090/metrics
        Root credentials:   as configured, user AKIAROOT
        Blobs of new repositories are stored encrypted under the master key; keep a copy of that key.

        Try:
          docker login 127.0.0.1:5000 -u AKIAROOT
          gantry repo create hello --server https://127.0.0.1:5000
          docker tag IMAGE 127.0.0.1:5000/hello:v1 && docker push 127.0.0.1:5000/hello:v1
        ");
    }

    #[test]
    fn who_listens_on_a_unix_socket_alone_is_told_no_address() {
        let greeting = Greeting {
            urls: vec!["unix:/run/gantry.sock".into()],
            metrics: vec![],
            credentials: None,
            user: "AKIAROOT",
            is_encrypted: true,
            has_vault: false,
            master_key: None,
        };

        assert!(!greeting.print().contains("Try:"));
    }
}
