//! One step of an image's history, as builders write it.

/// A step: BuildKit's `RUN /bin/sh -c make # buildkit` and `ADD https://… /`, the older `/bin/sh -c #(nop) ADD …`, build
/// arguments first as `|2 NAME=value …`.
pub(super) struct Step<'c> {
    /// Build arguments: `NAME=value`.
    arguments: Vec<&'c str>,
    /// The instruction: `RUN`, `ADD`, `ENV`.
    verb: &'c str,
    /// What follows it.
    rest: &'c str,
}

/// Build arguments of one step at most.
const ARGUMENTS_MAX: usize = 256;

/// What a build argument that holds a secret is called, in part; in upper case.
const SECRET_WORDS: &[&str] = &["API_KEY", "PASSWD", "PASSWORD", "PRIVATE_KEY", "SECRET", "TOKEN"];

/// What programs are told so that they do not verify.
const UNVERIFIED: &[&str] = &[
    "--allow-unauthenticated",
    "--allow-untrusted",
    "--force-yes",
    "--insecure ",
    "--no-check-certificate",
    "--no-gpg-checks",
    "--nogpgcheck",
    "curl -k ",
    "http.sslVerify false",
    "http.sslVerify=false",
    "strict-ssl false",
];

impl<'c> Step<'c> {
    pub(super) fn parse(command: &'c str) -> Step<'c> {
        let command = command.trim();
        let plain = command.strip_prefix("RUN ").map_or(command, str::trim_start);
        let (arguments, rest) = split_arguments(plain);
        let rest = rest.strip_suffix("# buildkit").unwrap_or(rest).trim();
        if let Some(run) = rest.strip_prefix("/bin/sh -c") {
            let run = run.trim_start();
            return match run.strip_prefix("#(nop)") {
                Some(instruction) => Step::split(arguments, instruction.trim()),
                None => Step { arguments, verb: "RUN", rest: run },
            };
        }
        if plain.len() != command.len() || !arguments.is_empty() {
            return Step { arguments, verb: "RUN", rest };
        }
        Step::split(arguments, rest)
    }

    fn split(arguments: Vec<&'c str>, instruction: &'c str) -> Step<'c> {
        let (verb, rest) = instruction.split_once(' ').unwrap_or((instruction, ""));
        Step { arguments, verb, rest: rest.trim() }
    }

    /// Returns the instruction.
    pub(super) fn verb(&self) -> &'c str {
        self.verb
    }

    /// Returns the step for people, without the values of build arguments.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.verb, self.rest)
    }

    /// Returns the step in one line of so many characters at most, without the values of what by its name is a secret.
    pub(super) fn told(&self, characters_max: usize) -> String {
        let words = self.rest.split_whitespace().map(|word| match word.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_name(name) => format!("{name}=***"),
            _ => word.to_owned(),
        });
        let words: Vec<String> = std::iter::once(self.verb.to_owned()).chain(words).collect();
        let line = words.join(" ");
        match line.char_indices().nth(characters_max) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    /// Returns the names of build arguments that seem to hold secrets, and of `ARG` with a value.
    pub(super) fn secret_arguments(&self) -> impl Iterator<Item = &'c str> {
        let declared = (self.verb == "ARG").then_some(self.rest);
        self.arguments.iter().copied().chain(declared).filter_map(|argument| {
            let (name, value) = argument.split_once('=')?;
            (!value.is_empty() && is_secret_name(name)).then_some(name)
        })
    }

    /// Whether a file comes from an address, unverified.
    pub(super) fn adds_address(&self) -> bool {
        let is_address =
            |word: &str| word.starts_with("http://") || word.starts_with("https://") || word.starts_with("ftp://");
        self.verb == "ADD" && !self.rest.contains("--checksum=") && self.rest.split_whitespace().any(is_address)
    }

    /// Whether what a program downloads goes to a shell: `curl … | sh`, `bash <(wget …)`, `sh -c "$(curl …)"`.
    pub(super) fn pipes_to_shell(&self) -> bool {
        let is_shell = |word: &str| matches!(word.rsplit('/').next(), Some("ash" | "bash" | "dash" | "sh" | "zsh"));
        let downloads = |text: &str| text.split_whitespace().any(|word| matches!(word, "curl" | "wget"));
        let runs =
            |text: &str| text.split_whitespace().find(|word| !matches!(*word, "sudo" | "-E")).is_some_and(is_shell);
        self.verb == "RUN"
            && self.commands().any(|command| {
                let mut parts = command.split('|');
                let first = parts.next().is_some_and(downloads);
                let substituted = ["$(curl ", "$(wget ", "<(curl ", "<(wget ", "`curl ", "`wget "];
                (first && parts.any(runs)) || (runs(command) && substituted.iter().any(|text| command.contains(text)))
            })
    }

    /// Whether files become writable for everybody.
    pub(super) fn opens_to_everybody(&self) -> bool {
        let opens = |word: &str| matches!(word, "777" | "0777" | "a+rwx" | "ugo+rwx" | "a+w" | "o+w");
        self.verb == "RUN"
            && self.commands().any(|command| {
                let mut words = command.split_whitespace();
                words.next() == Some("chmod") && words.any(opens)
            })
    }

    /// Whether a download was not verified.
    pub(super) fn skips_verification(&self) -> bool {
        self.verb == "RUN" && UNVERIFIED.iter().any(|word| self.rest.contains(word))
    }

    /// The commands of a line of shell, roughly: quotes are not looked at, as nothing is run.
    fn commands(&self) -> impl Iterator<Item = &'c str> {
        let steps = self.rest.split(['\n', ';']).flat_map(|part| part.split("&&")).flat_map(|part| part.split("||"));
        steps.map(str::trim)
    }
}

fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| upper.contains(word))
}

/// Takes off `|2 NAME=value NAME=value `; values have no quotes, so that a space may end one early.
fn split_arguments(command: &str) -> (Vec<&str>, &str) {
    let Some((count, mut rest)) = command.strip_prefix('|').and_then(|text| text.split_once(' ')) else {
        return (Vec::new(), command);
    };
    let count = count.parse::<usize>().unwrap_or(0).min(ARGUMENTS_MAX);
    let mut arguments = Vec::new();
    while arguments.len() < count {
        let Some((argument, after)) = rest.split_once(' ') else { break };
        arguments.push(argument);
        rest = after;
    }
    (arguments, rest)
}
