use super::faults::{no_alias, no_key};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Region};

const NAME_BYTES_MAX: usize = 2048;
const ALIAS: &str = "alias/";
const ALIAS_BYTES_MAX: usize = 256;

/// Whose keys they are, and where: what their ARNs say.
#[derive(Clone, Debug)]
pub(super) struct Realm {
    pub(super) account: AccountId,
    pub(super) region: Region,
}

/// How a request names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyName {
    Id(String),
    /// With `alias/` before it.
    Alias(String),
}

impl Realm {
    pub(super) fn key_arn(&self, id: &str) -> String {
        self.arn(&format!("key/{id}"))
    }

    pub(super) fn alias_arn(&self, name: &str) -> String {
        self.arn(name)
    }

    fn arn(&self, path: &str) -> String {
        format!("arn:aws:kms:{}:{}:{path}", self.region, self.account)
    }

    /// Reads the name of a key: its id, its ARN, an alias or the ARN of one.
    ///
    /// # Errors
    /// [`FaultKind::KmsInvalidArn`]; [`FaultKind::KmsNotFound`] for what lies in another account or region.
    pub(super) fn read(&self, text: &str) -> Result<KeyName, Fault> {
        if text.len() > NAME_BYTES_MAX {
            return Err(Fault::new(FaultKind::KmsInvalidArn, "KeyId is longer than 2048 bytes"));
        }
        if !text.starts_with("arn:") {
            return Ok(named(text));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &[_, "aws", "kms", region, account, path] = parts.as_slice() else {
            return Err(Fault::new(FaultKind::KmsInvalidArn, format!("Invalid arn {text}")));
        };
        let is_here = region == self.region.as_str() && account == self.account.as_str();
        match (path.strip_prefix("key/"), path.starts_with(ALIAS)) {
            (Some(id), _) if is_here => Ok(KeyName::Id(id.into())),
            (Some(_), _) => Err(no_key(text)),
            (None, true) if is_here => Ok(KeyName::Alias(path.into())),
            (None, true) => Err(no_alias(text)),
            (None, false) => Err(Fault::new(FaultKind::KmsInvalidArn, format!("Invalid arn {text}"))),
        }
    }

    /// Reads the id or ARN of a key, where no alias is taken.
    ///
    /// # Errors
    /// As of [`Realm::read`]; an alias is refused too.
    pub(super) fn read_id(&self, text: &str) -> Result<String, Fault> {
        match self.read(text)? {
            KeyName::Id(id) => Ok(id),
            KeyName::Alias(_) if text.starts_with("arn:") => Err(Fault::new(
                FaultKind::KmsInvalidArn,
                format!("{text} is the ARN of an alias; name the key by its id or ARN here"),
            )),
            KeyName::Alias(_) => Err(Fault::new(
                FaultKind::KmsNotFound,
                format!("Invalid keyId {text}: name the key by its id or ARN here, no alias"),
            )),
        }
    }
}

fn named(text: &str) -> KeyName {
    match text.starts_with(ALIAS) {
        true => KeyName::Alias(text.into()),
        false => KeyName::Id(text.into()),
    }
}

/// Checks the name of an alias that somebody makes: `alias/` and then `[A-Za-z0-9/_-]`, up to 256 bytes, and not `alias/aws/…`.
pub(super) fn check_alias(name: &str) -> Result<(), Fault> {
    let refuse = |message: &str| Err(Fault::new(FaultKind::KmsInvalidAliasName, message));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    match name.strip_prefix(ALIAS) {
        Some(rest) if !rest.is_empty() && rest.bytes().all(allowed) && name.len() <= ALIAS_BYTES_MAX => {
            match rest.starts_with("aws/") {
                true => refuse("Names that begin with alias/aws/ are of keys that are made here on first use"),
                false => Ok(()),
            }
        }
        _ => refuse("The name of an alias is alias/ and then A-Z, a-z, 0-9, /, _ or -, up to 256 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm() -> Realm {
        Realm { account: AccountId::DEFAULT, region: Region::default() }
    }

    #[test]
    fn a_key_is_named_in_four_ways() {
        let (id, alias) = (KeyName::Id("1234".into()), KeyName::Alias("alias/app".into()));
        for (text, name) in [
            ("1234", &id),
            ("arn:aws:kms:us-east-1:000000000000:key/1234", &id),
            ("alias/app", &alias),
            ("arn:aws:kms:us-east-1:000000000000:alias/app", &alias),
        ] {
            assert_eq!(&realm().read(text).unwrap(), name, "{text}");
        }
    }

    #[test]
    fn what_lies_elsewhere_or_is_no_arn_is_refused() {
        for (text, kind) in [
            ("arn:aws:kms:us-east-1:111111111111:key/1234", FaultKind::KmsNotFound),
            ("arn:aws:kms:eu-west-1:000000000000:alias/app", FaultKind::KmsNotFound),
            ("arn:aws:ecr:us-east-1:000000000000:key/1234", FaultKind::KmsInvalidArn),
            ("arn:aws:kms:us-east-1:000000000000:other/1234", FaultKind::KmsInvalidArn),
            ("arn:", FaultKind::KmsInvalidArn),
        ] {
            assert_eq!(realm().read(text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn where_a_key_itself_is_meant_no_alias_is_taken() {
        let arn = "arn:aws:kms:us-east-1:000000000000:alias/app";

        assert_eq!(realm().read_id("alias/app").unwrap_err().kind, FaultKind::KmsNotFound);
        assert_eq!(realm().read_id(arn).unwrap_err().kind, FaultKind::KmsInvalidArn);
        assert_eq!(realm().read_id("1234").unwrap(), "1234");
    }

    #[test]
    fn an_alias_has_its_grammar() {
        for name in ["alias/a", "alias/team/app_1-x"] {
            assert!(check_alias(name).is_ok(), "{name}");
        }
        let long = format!("alias/{}", "a".repeat(251));
        for name in ["", "a", "alias/", "alias/a b", "alias/aws/ecr", &long] {
            assert_eq!(check_alias(name).unwrap_err().kind, FaultKind::KmsInvalidAliasName, "{name}");
        }
    }
}
