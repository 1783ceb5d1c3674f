use crate::slapd::{ADMIN, PASSWORD, SERVICE, SERVICE_PASSWORD, Slapd};
use gantry_env::Env;
use gantry_ldap::{Directory, Found, Refusal, Settings};
use gantry_words::{Period, Secret};
use ldap3::{LdapConnAsync, Mod};
use std::{collections::HashSet, path::PathBuf};

const NO_USER: Refusal = Refusal::Refused("directory_no_user");
const WRONG: Refusal = Refusal::Refused("directory_wrong_password");

async fn log_in(directory: &Directory, name: &str, password: &str) -> Result<Found, Refusal> {
    directory.log_in(name, &Secret::new(password.into()), None).await
}

/// Settings with which the directory is asked.
fn settings(slapd: &Slapd) -> Settings {
    Settings {
        url: Some(slapd.ldap_url()),
        ca_file: Some(slapd.ca_file()),
        bind_dn: Some(SERVICE.into()),
        bind_password: Some(Secret::new(SERVICE_PASSWORD.into())),
        user_base: "ou=people,dc=example,dc=org".into(),
        group_base: "ou=groups,dc=example,dc=org".into(),
        nested_groups: true,
        roles: vec!["cn=dev,ou=groups,dc=example,dc=org -> developer".into()],
        ..Settings::default()
    }
}

fn directory(slapd: &Slapd) -> Directory {
    Directory::open(&settings(slapd), Env::real()).unwrap()
}

fn group(name: &str) -> String {
    format!("cn={name},ou=groups,dc=example,dc=org")
}

/// A connection of the directory's administrator.
async fn admin(slapd: &Slapd) -> ldap3::Ldap {
    let (connection, mut ldap) = LdapConnAsync::new(&slapd.ldap_url()).await.unwrap();
    tokio::spawn(connection.drive());
    ldap.simple_bind(ADMIN, "admin").await.unwrap().success().unwrap();
    ldap
}

#[tokio::test]
async fn somebody_logs_in_over_starttls_and_over_ldaps() {
    let slapd = Slapd::start();
    for url in [slapd.ldap_url(), slapd.ldaps_url()] {
        let settings = Settings { url: Some(url), ..settings(&slapd) };
        let directory = Directory::open(&settings, Env::real()).unwrap();

        let ann = log_in(&directory, "ann", PASSWORD).await.unwrap();
        let bob = log_in(&directory, "BOB ", PASSWORD).await.unwrap();

        assert_eq!((ann.name.as_str(), ann.id.len()), ("ann", 36));
        assert_eq!((bob.name.as_str(), bob.groups.len()), ("Bob", 0), "as the directory spells it");
        assert_ne!(ann.id, bob.id);
        assert_eq!(log_in(&directory, "ann", "wrong").await, Err(WRONG));
        assert_eq!(log_in(&directory, "cyd", PASSWORD).await, Err(NO_USER));
    }
}

#[tokio::test]
async fn groups_within_groups_count_and_a_circle_of_them_ends() {
    let slapd = Slapd::start();
    let flat = Settings { nested_groups: false, ..settings(&slapd) };

    let nested = log_in(&directory(&slapd), "ann", PASSWORD).await.unwrap();
    let direct = log_in(&Directory::open(&flat, Env::real()).unwrap(), "ann", PASSWORD).await.unwrap();

    let wanted: HashSet<String> = ["dev", "all", "loop"].map(group).into();
    assert_eq!((nested.groups.len(), nested.groups.into_iter().collect::<HashSet<_>>()), (3, wanted));
    assert_eq!(direct.groups, [group("dev")]);
}

#[tokio::test]
async fn whoever_is_taken_out_of_a_group_is_out_of_it_at_the_next_login() {
    let slapd = Slapd::start();
    let directory = directory(&slapd);
    assert_eq!(log_in(&directory, "ann", PASSWORD).await.unwrap().groups.len(), 3);

    let ann = HashSet::from(["uid=ann,ou=people,dc=example,dc=org"]);
    admin(&slapd).await.modify(&group("dev"), vec![Mod::Delete("member", ann)]).await.unwrap().success().unwrap();

    assert_eq!(log_in(&directory, "ann", PASSWORD).await.unwrap().groups, [""; 0]);
}

#[tokio::test]
async fn what_a_name_holds_is_no_filter() {
    let slapd = Slapd::start();
    let directory = directory(&slapd);

    for name in ["*", "*)(uid=*"] {
        assert_eq!(log_in(&directory, name, PASSWORD).await.unwrap().name, name, "the one of this very name");
    }
    for name in ["a*", "an?", "ann)(uid=*", "\\61nn", "*)(objectClass=*", "ann\0", "", "(", &"a".repeat(257)] {
        assert_eq!(log_in(&directory, name, PASSWORD).await, Err(NO_USER), "{name:?}");
    }
}

#[tokio::test]
async fn an_empty_password_is_refused_though_the_directory_would_take_it() {
    let slapd = Slapd::start();
    let (connection, mut ldap) = LdapConnAsync::new(&slapd.ldap_url()).await.unwrap();
    tokio::spawn(connection.drive());
    let taken = ldap.simple_bind("uid=ann,ou=people,dc=example,dc=org", "").await.unwrap();
    assert_eq!(taken.rc, 0, "the directory lets anybody in so");

    let directory = directory(&slapd);

    for password in ["", "\0", "correct horse battery\0", &"x".repeat(1025)] {
        assert_eq!(log_in(&directory, "ann", password).await, Err(WRONG), "{password:?}");
    }
}

#[tokio::test]
async fn of_two_who_have_a_name_neither_is_meant() {
    let slapd = Slapd::start();

    let refused = log_in(&directory(&slapd), "twin", PASSWORD).await;

    assert_eq!(refused, Err(Refusal::Refused("directory_ambiguous")));
}

#[tokio::test]
async fn nothing_is_said_to_a_directory_that_cannot_prove_who_it_is() {
    let slapd = Slapd::start();
    let other = Slapd::start();
    let plain = Slapd::start_plain();
    let of = |url: String, ca_file: Option<PathBuf>| Settings { url: Some(url), ca_file, ..settings(&slapd) };
    let ca = Some(slapd.ca_file());

    for settings in [
        of(slapd.ldap_url(), Some(other.ca_file())),
        of(slapd.ldaps_url(), None),
        of(slapd.ldaps_url().replace("localhost", "127.0.0.1"), ca.clone()),
        of(plain.ldap_url(), ca),
    ] {
        let directory = Directory::open(&settings, Env::real()).unwrap();
        assert_eq!(log_in(&directory, "ann", PASSWORD).await, Err(Refusal::Unavailable), "{:?}", settings.url);
    }
}

#[tokio::test]
async fn a_directory_that_is_gone_or_says_nothing_is_no_refusal_of_anybody() {
    let mut slapd = Slapd::start();
    let directory = directory(&slapd);
    assert!(log_in(&directory, "ann", PASSWORD).await.is_ok());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://localhost:{}", silent.local_addr().unwrap().port());
    let settings = Settings { url: Some(url), timeout: Period::seconds(1), ..settings(&slapd) };
    let silent = Directory::open(&settings, Env::real()).unwrap();

    slapd.kill();

    assert_eq!(log_in(&directory, "ann", PASSWORD).await, Err(Refusal::Unavailable));
    assert_eq!(log_in(&silent, "ann", PASSWORD).await, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn a_service_that_is_not_let_in_lets_nobody_in() {
    let slapd = Slapd::start();
    let settings = Settings { bind_password: Some(Secret::new("wrong".into())), ..settings(&slapd) };

    let refused = log_in(&Directory::open(&settings, Env::real()).unwrap(), "ann", PASSWORD).await;

    assert_eq!(refused, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn many_log_in_at_once_over_few_connections() {
    let slapd = Slapd::start();
    let settings = Settings { connections_max: 2, ..settings(&slapd) };
    let directory = Directory::open(&settings, Env::real()).unwrap();

    let logins: Vec<_> = (0..20)
        .map(|number| {
            let directory = directory.clone();
            let password = if number % 2 == 0 { PASSWORD } else { "wrong" };
            tokio::spawn(async move { log_in(&directory, "ann", password).await.is_ok() })
        })
        .collect();

    for (number, login) in logins.into_iter().enumerate() {
        assert_eq!(login.await.unwrap(), number % 2 == 0, "{number}");
    }
}
