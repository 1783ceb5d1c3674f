use super::*;
use crate::oidc::{Expected, IdentityToken, KeySet, UnverifiedToken};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "gantry";
const REDIRECT: &str = "https://registry.example.com/ui/callback";
/// 2026-11-21T10:40:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);

fn attempt() -> LoginAttempt {
    LoginAttempt::begin(&std::array::from_fn(|index| index as u8), "/ui/device?code=BCDF", NOW)
}

fn seconds_later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// The value of a parameter of a URL, still escaped.
fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    let pairs = url.split_once('?').unwrap().1.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).unwrap().1
}

fn answer(changes: &[(&'static str, &str)]) -> Result<Callback, LoginProblem> {
    let url = attempt().url("https://id.example.com/auth", CLIENT, REDIRECT, "openid");
    let mut parameters = vec![("code", "c0de"), ("state", parameter(&url, "state")), ("iss", ISSUER)];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    Callback::read(parameters)
}

fn admitted(changes: &[(&'static str, &str)], names_itself: bool) -> Result<String, LoginProblem> {
    admit_callback(Some(&attempt()), &answer(changes)?, ISSUER, names_itself, NOW).map(String::from)
}

#[test]
fn the_question_binds_the_answer_to_this_attempt_and_shows_none_of_what_proves_it() {
    let attempt = attempt();

    let url = attempt.url("https://id.example.com/auth?tenant=1", CLIENT, REDIRECT, "openid profile");

    assert!(url.starts_with("https://id.example.com/auth?tenant=1&response_type=code&client_id=gantry&"), "{url}");
    assert_eq!(parameter(&url, "redirect_uri"), "https%3A%2F%2Fregistry.example.com%2Fui%2Fcallback");
    assert_eq!(parameter(&url, "scope"), "openid%20profile");
    assert_eq!(parameter(&url, "code_challenge_method"), "S256");
    let body = attempt.token_request("c0de", CLIENT, REDIRECT);
    let verifier = body.rsplit_once("code_verifier=").unwrap().1;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    assert_eq!(parameter(&url, "code_challenge"), URL_SAFE_NO_PAD.encode(hash));
    assert!(!url.contains(verifier));
    assert!(!format!("{attempt:?}").contains(verifier));
}

#[test]
fn the_challenge_is_that_of_the_standard() {
    // RFC 7636, appendix B: the verifier's 32 bytes are given there.
    let bytes = URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let mut random = [0; 96];
    random[64..].copy_from_slice(&bytes);

    let url = LoginAttempt::begin(&random, "", NOW).url("https://id.example.com", CLIENT, REDIRECT, "openid");

    assert_eq!(parameter(&url, "code_challenge"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn an_answer_to_this_browsers_question_brings_its_code() {
    assert_eq!(admitted(&[], true), Ok("c0de".into()));
    assert_eq!(admitted(&[("iss", "")], false), Ok("c0de".into()));
}

/// Threat 38: a login that somebody else began (session fixation).
#[test]
fn a_browser_that_began_no_login_gets_none() {
    let answer = answer(&[]).unwrap();

    assert_eq!(admit_callback(None, &answer, ISSUER, true, NOW), Err(LoginProblem::NoAttempt));
}

#[test]
fn an_answer_with_another_state_is_none() {
    for state in ["", "other"] {
        assert_eq!(admitted(&[("state", state)], true), Err(LoginProblem::State), "{state:?}");
    }
}

/// Threat 11: the answer of one provider passed off as that of another (mix-up, RFC 9207).
#[test]
fn an_answer_of_another_issuer_is_none() {
    for issuer in ["https://evil.example.com", "https://id.example.com/", "HTTPS://id.example.com"] {
        assert_eq!(admitted(&[("iss", issuer)], false), Err(LoginProblem::Issuer), "{issuer}");
    }
    assert_eq!(admitted(&[("iss", "")], true), Err(LoginProblem::Issuer));
}

#[test]
fn an_answer_that_comes_too_late_is_none() {
    let (attempt, answer) = (attempt(), answer(&[]).unwrap());

    assert!(admit_callback(Some(&attempt), &answer, ISSUER, true, seconds_later(599)).is_ok());
    let late = admit_callback(Some(&attempt), &answer, ISSUER, true, seconds_later(600));
    assert_eq!(late, Err(LoginProblem::TooLate));
}

#[test]
fn what_the_provider_says_no_with_is_told_in_bounds() {
    let words = format!("access_denied\r\n{}", "x".repeat(500));

    let refused = admitted(&[("error", &words), ("code", "")], true).unwrap_err();

    let LoginProblem::Refused(told) = refused else { panic!("{refused:?}") };
    assert!(told.starts_with("access_deniedxxx") && told.len() == 200, "{told}");
}

#[test]
fn a_parameter_that_is_there_twice_or_has_no_end_is_not_guessed() {
    let long = "c".repeat(8 * 1024 + 1);

    assert_eq!(Callback::read([("code", "a"), ("code", "b")]), Err(LoginProblem::Malformed));
    assert_eq!(Callback::read([("code", long.as_str())]), Err(LoginProblem::Malformed));
    assert_eq!(admitted(&[("code", "")], true), Err(LoginProblem::Malformed));
}

/// A token of the provider with the attempt's nonce, and changes to its claims; null takes one out.
fn token(changes: Value) -> IdentityToken {
    let url = attempt().url(ISSUER, CLIENT, REDIRECT, "openid");
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "00u1", "nonce": parameter(&url, "nonce"), "iat": NOW.seconds(),
        "exp": NOW.seconds() + 300, "preferred_username": "ann", "groups": ["dev", "ops"],
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(&claims));
    let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())));
    let expected = Expected { issuer: ISSUER, client_ids: &[CLIENT.into()] };
    UnverifiedToken::parse(&text).unwrap().verify(&KeySet::parse(keys.as_bytes()).unwrap(), &expected, NOW).unwrap()
}

fn person(changes: Value) -> Result<ProviderPerson, LoginProblem> {
    let claims = PersonClaims { name: "preferred_username", groups: "groups" };
    admit_person(&token(changes), &attempt(), CLIENT, claims)
}

#[test]
fn who_it_is_is_issuer_and_subject_and_the_name_is_only_shown() {
    let ann = person(json!({})).unwrap();

    assert_eq!((ann.issuer.as_str(), ann.subject.as_str(), ann.name.as_str()), (ISSUER, "00u1", "ann"));
    assert_eq!(ann.groups, ["dev", "ops"]);
    let impostor = person(json!({"sub": "00u2"})).unwrap();
    assert_eq!(impostor.name, "ann");
    assert_ne!(impostor.session_name(), ann.session_name());
    assert!(ann.session_name().starts_with("ann-"), "{}", ann.session_name());
    assert_eq!(person(json!({"preferred_username": null})).unwrap().name, "00u1");
}

#[test]
fn a_session_has_a_name_that_sessions_may_have_whatever_the_provider_says() {
    for name in ["", "Zoë / Müller", "<script>", &"a".repeat(500), "-", "日本"] {
        let name = person(json!({"preferred_username": name})).unwrap().session_name();

        assert!((2..=64).contains(&name.len()), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)), "{name}");
    }
}

#[test]
fn a_token_of_another_login_is_none() {
    for nonce in [json!("other"), json!(null), json!("")] {
        assert_eq!(person(json!({"nonce": nonce})), Err(LoginProblem::Nonce));
    }
}

#[test]
fn a_token_that_was_given_to_another_program_is_none() {
    assert_eq!(person(json!({"azp": "other"})), Err(LoginProblem::AuthorizedParty));
    assert!(person(json!({"azp": CLIENT})).is_ok());
}

/// Threat 22: more groups than stand in the token are neither none nor few.
#[test]
fn groups_that_are_kept_elsewhere_are_not_taken_for_none() {
    for changes in [
        json!({"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}}),
        json!({"_claim_names": {"groups": "src1"}}),
        json!({"groups": null, "hasgroups": true}),
    ] {
        assert_eq!(person(changes), Err(LoginProblem::GroupsElsewhere));
    }
    assert_eq!(person(json!({"groups": null})).unwrap().groups, Vec::<String>::new());
    assert_eq!(person(json!({"groups": "dev"})).unwrap().groups, ["dev"]);
}

/// OpenID Connect Core, section 2: a subject has 255 characters at most.
#[test]
fn a_subject_without_end_is_none() {
    assert!(person(json!({"sub": "s".repeat(255)})).is_ok());
    assert_eq!(person(json!({"sub": "s".repeat(256)})), Err(LoginProblem::Malformed));
}

#[test]
fn one_goes_back_to_paths_of_this_site_only() {
    for path in ["/", "/ui/device?code=BCDF", "/a//b"] {
        assert_eq!(return_path(path), Some(path));
    }
    let long = format!("/{}", "a".repeat(1024));
    for path in ["", "ui", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\r\n", "/é", &long] {
        assert_eq!(return_path(path), None, "{path:?}");
    }
    assert_eq!(LoginAttempt::begin(&[0; 96], "//evil.example", NOW).return_to(), "");
}

#[test]
fn a_ticket_is_kept_as_a_hash_and_its_forms_are_its_own() {
    let (one, other) = (Ticket::draw(&[1; 32]), Ticket::draw(&[2; 32]));

    assert_eq!(Ticket::parse(one.reveal()).unwrap().hash(), one.hash());
    assert_ne!(one.hash(), other.hash());
    assert!(one.admits_form(&one.form_token()) && !one.admits_form(&other.form_token()) && !one.admits_form(""));
    assert!(!one.form_token().contains(one.reveal()) && !one.hash().contains(one.reveal()));
    for text in ["", "short", &"a".repeat(44), &"=".repeat(43)] {
        assert!(Ticket::parse(text).is_none(), "{text}");
    }
}

#[test]
fn a_code_is_read_as_people_type_it() {
    let code = UserCode::draw(&std::array::from_fn(|index| (index * 8) as u8));

    let shown = code.to_string();

    assert_eq!(shown.len(), 9);
    for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), format!(" {} ", shown.replace('-', " "))]
    {
        assert_eq!(UserCode::parse(&typed), Some(code.clone()), "{typed:?}");
    }
    for typed in ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "0000-0000", "BCDF-GHJé"] {
        assert_eq!(UserCode::parse(typed), None, "{typed:?}");
    }
}

proptest! {
    #[test]
    fn an_attempt_is_read_as_it_was_printed(random in prop::collection::vec(any::<u8>(), 96), path in "/[a-z]{0,9}") {
        let attempt = LoginAttempt::begin(&random.try_into().unwrap(), &path, NOW);

        prop_assert_eq!(LoginAttempt::parse(&attempt.print()), Some(attempt));
    }

    #[test]
    fn any_texts_are_read_without_panic(text in "\\PC{0,80}") {
        let _ = UserCode::parse(&text);
        let callback = Callback::read([("code", text.as_str()), ("iss", text.as_str())]).unwrap();
        prop_assert_eq!(admit_callback(Some(&attempt()), &callback, ISSUER, false, NOW), Err(LoginProblem::State));
    }

    #[test]
    fn a_code_has_eight_of_the_letters(random: [u8; 32]) {
        let shown = UserCode::draw(&random).to_string().replace('-', "");

        prop_assert!(shown.len() == 8 && shown.bytes().all(|byte| USER_CODE_LETTERS.contains(&byte)));
    }
}
