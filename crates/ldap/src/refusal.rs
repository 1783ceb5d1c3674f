use ldap3::LdapResult;
use std::time::Duration;

/// Why somebody is not let in. Outside it is all the same; the words are for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody's name and password, or those of somebody who may not log in.
    Refused(&'static str),
    /// The directory cannot be asked, did not answer in time, or is not what the settings say.
    Unavailable,
    /// So many passwords of this person were wrong of late that the directory is not asked about another for this long.
    TooMany(Duration),
}

/// What Active Directory says beside result 49 (Microsoft Learn, "LDAP Bind Errors"; the numbers are those of Windows).
const SUB_CODES: [(&str, &str); 9] = [
    ("525", "directory_no_user"),
    ("52e", "directory_wrong_password"),
    ("530", "directory_not_at_this_time"),
    ("531", "directory_not_from_here"),
    ("532", "directory_password_expired"),
    ("533", "directory_disabled"),
    ("701", "directory_account_expired"),
    ("773", "directory_must_change_password"),
    ("775", "directory_locked"),
];

impl Refusal {
    /// Nobody of this name.
    pub(crate) const NO_USER: Refusal = Refusal::Refused("directory_no_user");
    /// Several of this name: none of them is meant.
    pub(crate) const AMBIGUOUS: Refusal = Refusal::Refused("directory_ambiguous");
    /// No password that a directory is asked about.
    pub(crate) const PASSWORD: Refusal = Refusal::Refused("directory_wrong_password");

    /// What came of trying somebody's password (RFC 4511, appendix A).
    pub(crate) fn of_bind(result: &LdapResult) -> Option<Refusal> {
        match result.rc {
            0 => None,
            49 => Some(Refusal::Refused(sub_code(&result.text))),
            // inappropriateAuthentication, constraintViolation, unwillingToPerform: a policy of the directory.
            19 | 48 | 50 | 53 => Some(Refusal::Refused("directory_refused")),
            _ => Some(Refusal::Unavailable),
        }
    }
}

fn sub_code(text: &str) -> &'static str {
    let code = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
    let known = SUB_CODES.iter().find(|(number, _)| code.eq_ignore_ascii_case(number));
    known.map_or("directory_wrong_password", |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.into(), refs: vec![], ctrls: vec![] }
    }

    #[test]
    fn active_directory_says_more_beside_result_49() {
        for (text, reason) in [
            (
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839",
                "directory_wrong_password",
            ),
            (
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v3839",
                "directory_locked",
            ),
            (
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 532, v3839",
                "directory_password_expired",
            ),
            ("", "directory_wrong_password"),
            ("data", "directory_wrong_password"),
            ("data xyz", "directory_wrong_password"),
        ] {
            assert_eq!(Refusal::of_bind(&result(49, text)), Some(Refusal::Refused(reason)), "{text}");
        }
    }

    #[test]
    fn only_success_lets_anybody_in() {
        assert_eq!(Refusal::of_bind(&result(0, "")), None);
        for (rc, refusal) in
            [(53, Refusal::Refused("directory_refused")), (10, Refusal::Unavailable), (52, Refusal::Unavailable)]
        {
            assert_eq!(Refusal::of_bind(&result(rc, "")), Some(refusal), "{rc}");
        }
    }
}
