//! What is of Active Directory alone, by Samba's domain controller.

use crate::samba::{PASSWORD, SERVICE, Samba};
use gantry_env::Env;
use gantry_ldap::{Directory, Found, Refusal, Settings};
use gantry_words::Secret;
use std::net::IpAddr;

/// Settings as the documentation has them for Active Directory, where somebody may log in with either of his names.
fn settings(samba: &Samba) -> Settings {
    Settings {
        url: Some(samba.ldaps_url()),
        ca_file: Some(samba.ca_file()),
        bind_dn: Some(SERVICE.into()),
        bind_password: Some(Secret::new(PASSWORD.into())),
        user_base: "dc=example,dc=test".into(),
        user_filter: "(&(objectCategory=person)(|(sAMAccountName={name})(userPrincipalName={name}))\
             (!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
            .into(),
        name_attribute: "sAMAccountName".into(),
        id_attribute: "objectGUID".into(),
        group_base: "dc=example,dc=test".into(),
        group_filter: "(member:1.2.840.113556.1.4.1941:={dn})".into(),
        roles: vec!["cn=dev,cn=users,dc=example,dc=test -> developer".into()],
        ..Settings::default()
    }
}

fn open(settings: Settings) -> Directory {
    Directory::open(&settings, Env::real()).unwrap()
}

async fn log_in_from(directory: &Directory, last: u8, name: &str, password: &str) -> Result<Found, Refusal> {
    let source = Some(IpAddr::from([203, 0, 113, last]));
    directory.log_in(name, &Secret::new(password.into()), source).await
}

async fn log_in(directory: &Directory, name: &str, password: &str) -> Result<Found, Refusal> {
    log_in_from(directory, 1, name, password).await
}

#[tokio::test]
async fn active_directory_knows_people_by_two_names_their_groups_within_groups_and_who_is_disabled() {
    let samba = Samba::start();
    let directory = open(settings(&samba));
    let starttls = open(Settings { url: Some(samba.ldap_url()), ..settings(&samba) });
    let with_disabled =
        open(Settings { user_filter: "(&(objectCategory=person)(sAMAccountName={name}))".into(), ..settings(&samba) });

    let ann = log_in(&directory, "ANN", PASSWORD).await.unwrap();
    let by_principal_name = log_in(&directory, "ann@example.test", PASSWORD).await.unwrap();
    let by_starttls = log_in(&starttls, "ann", PASSWORD).await.unwrap();

    assert_eq!(ann.name, "ann");
    assert!(ann.id.len() >= 32 && ann.id == by_principal_name.id && ann.id == by_starttls.id, "{}", ann.id);
    let mut groups: Vec<String> = ann.groups.iter().map(|group| group.to_lowercase()).collect();
    groups.sort();
    assert_eq!(groups, ["cn=dev,cn=users,dc=example,dc=test", "cn=inner,cn=users,dc=example,dc=test"]);
    assert_eq!(log_in(&directory, "ann", "wrong").await, Err(Refusal::Refused("directory_wrong_password")));
    assert_eq!(log_in(&directory, "gone", PASSWORD).await, Err(Refusal::Refused("directory_no_user")));
    assert_eq!(log_in(&with_disabled, "gone", PASSWORD).await, Err(Refusal::Refused("directory_disabled")));
}

#[tokio::test]
async fn guesses_from_everywhere_do_not_lock_anybody_in_active_directory() {
    let samba = Samba::start();
    let directory = open(settings(&samba));
    log_in_from(&directory, 1, "cyd", PASSWORD).await.unwrap();

    let mut refusals = Vec::new();
    for source in 2..30 {
        let name = if source % 2 == 0 { "cyd" } else { "cyd@example.test" };
        refusals.push(log_in_from(&directory, source, name, "wrong").await.unwrap_err());
    }

    let asked = refusals.iter().filter(|refusal| matches!(refusal, Refusal::Refused(_))).count();
    assert_eq!(asked, 3, "{refusals:?}");
    assert!(log_in_from(&directory, 1, "cyd", PASSWORD).await.is_ok(), "he is let in from where he is known");
}
