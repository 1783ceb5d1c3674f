/// A switch of an account, by name and value as in the ECR API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountSetting {
    /// Which scanner `BASIC` scanning means.
    BasicScanTypeVersion,
    /// Whether a push may take a layer from another repository without sending it.
    BlobMounting,
    /// How far the policy of the registry reaches.
    RegistryPolicyScope,
}

/// Why a setting is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountSettingError {
    /// There is no setting of this name.
    #[error("there is no account setting {name:?}; there are {}", AccountSetting::names())]
    Name {
        /// The name, cut to its first characters.
        name: String,
    },
    /// It has no such value.
    #[error("{value:?} is no value of {name}; those are {}", values.join(", "))]
    Value {
        /// The setting.
        name: &'static str,
        /// The value, cut to its first characters.
        value: String,
        /// What there is.
        values: &'static [&'static str],
    },
}

impl AccountSetting {
    const ALL: [AccountSetting; 3] =
        [AccountSetting::BasicScanTypeVersion, AccountSetting::BlobMounting, AccountSetting::RegistryPolicyScope];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            AccountSetting::BasicScanTypeVersion => "BASIC_SCAN_TYPE_VERSION",
            AccountSetting::BlobMounting => "BLOB_MOUNTING",
            AccountSetting::RegistryPolicyScope => "REGISTRY_POLICY_SCOPE",
        }
    }

    /// Returns its values; the first is what holds where nothing is set.
    pub const fn values(self) -> &'static [&'static str] {
        match self {
            AccountSetting::BasicScanTypeVersion => &["AWS_NATIVE", "CLAIR"],
            AccountSetting::BlobMounting => &["ENABLED", "DISABLED"],
            AccountSetting::RegistryPolicyScope => &["V2", "V1"],
        }
    }

    /// Finds a setting by its name.
    ///
    /// # Errors
    /// [`AccountSettingError::Name`].
    pub fn parse(name: &str) -> Result<Self, AccountSettingError> {
        let found = AccountSetting::ALL.into_iter().find(|setting| setting.name() == name);
        found.ok_or_else(|| AccountSettingError::Name { name: cut(name) })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// [`AccountSettingError::Value`].
    pub fn check(self, value: &str) -> Result<(), AccountSettingError> {
        match self.values().contains(&value) {
            true => Ok(()),
            false => Err(AccountSettingError::Value { name: self.name(), value: cut(value), values: self.values() }),
        }
    }

    fn names() -> String {
        AccountSetting::ALL.map(AccountSetting::name).join(", ")
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_by_name_and_value() {
        for setting in AccountSetting::ALL {
            assert_eq!(AccountSetting::parse(setting.name()), Ok(setting));
            assert!(setting.values().iter().all(|value| setting.check(value).is_ok()));
            assert!(setting.check("MAYBE").unwrap_err().to_string().contains(setting.values()[0]));
        }
        assert!(AccountSetting::parse("BLOB_MOUNT").unwrap_err().to_string().contains("BLOB_MOUNTING"));
    }
}
