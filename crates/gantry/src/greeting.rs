use gantry_api::Listener;
use std::path::Path;

/// What a server says when it is ready.
pub(crate) struct Greeting<'a> {
    /// Where it listens.
    pub(crate) urls: Vec<String>,
    /// The file with the generated credentials; `None` where they are configured.
    pub(crate) credentials: Option<&'a Path>,
    /// The root's access key id.
    pub(crate) user: &'a str,
    /// Whether blobs are encrypted at rest.
    pub(crate) is_encrypted: bool,
}

impl Greeting<'_> {
    /// Where the listeners can be reached, the first one first.
    pub(crate) fn urls(listeners: &[Listener], has_certificate: bool) -> Vec<String> {
        listeners.iter().map(|listener| listener.url(has_certificate)).collect()
    }

    /// Says where the server is, where its credentials are, and what to type next.
    pub(crate) fn print(&self) -> String {
        let mut text: String = self.urls.iter().map(|url| format!("Gantry listens on {url}\n")).collect();
        let url = self.urls.first().map_or("", String::as_str);
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let login = match self.credentials {
            Some(file) => {
                let file = file.display();
                text.push_str(&format!("Root credentials:   {file}\n"));
                format!(
                    "sed -n 's/^aws_secret_access_key = //p' {file} | docker login {host} -u {} --password-stdin",
                    self.user
                )
            }
            None => {
                text.push_str(&format!("Root credentials:   as configured, user {}\n", self.user));
                format!("docker login {host} -u {}", self.user)
            }
        };
        if !self.is_encrypted {
            text.push_str("Blobs are stored plain: encrypt the disk where that matters.\n");
        }
        text.push_str(&format!(
            "\nTry:\n  {login}\n  gantry repo create hello --server {url}\n  docker tag IMAGE {host}/hello:v1 && docker push {host}/hello:v1\n"
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_says_where_it_is_where_the_credentials_are_and_what_to_type() {
        let greeting = Greeting {
            urls: vec!["http://127.0.0.1:5000".into()],
            credentials: Some(Path::new("data/root-credentials")),
            user: "AKIAROOT",
            is_encrypted: false,
        };

        insta::assert_snapshot!(greeting.print(), @r"
        Gantry listens on http://127.0.0.1:5000
        Root credentials:   data/root-credentials
        Blobs are stored plain: encrypt the disk where that matters.

        Try:
          sed -n 's/^aws_secret_access_key = //p' data/root-credentials | docker login 127.0.0.1:5000 -u AKIAROOT --password-stdin
          gantry repo create hello --server http://127.0.0.1:5000
          docker tag IMAGE 127.0.0.1:5000/hello:v1 && docker push 127.0.0.1:5000/hello:v1
        ");
    }
}
