//! What is a secret: one row each, in the order in which they are asked.

mod checks;

use crate::Severity;

/// Bytes of a secret at least and at most: shorter ones are none, longer ones no single key.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 8..=32 << 10;

/// One kind of secret.
pub(super) struct Rule {
    /// Its name, which exceptions use: it never changes.
    pub(super) id: &'static str,
    /// What it is, for people.
    pub(super) title: &'static str,
    /// How bad it is that it is known.
    pub(super) severity: Severity,
    /// Words of which one stands in every text that holds such a secret; in any case.
    pub(super) keywords: &'static [&'static str],
    /// Bytes, no Unicode; its first group is the secret. Bounds of repetitions are small, as each step costs a state.
    pub(super) pattern: &'static str,
    /// Bits for each character below which it is a placeholder (Shannon); 0.0 asks nothing.
    pub(super) entropy_min: f64,
    /// What else must hold.
    pub(super) check: fn(&[u8]) -> bool,
}

impl Rule {
    /// Tells whether what the pattern found is a secret, and no example or placeholder.
    pub(super) fn holds(&self, secret: &[u8]) -> bool {
        SECRET_BYTES.contains(&secret.len())
            && checks::entropy(secret) >= self.entropy_min
            && !checks::is_example(secret)
            && (self.check)(secret)
    }
}

/// A row without more to be checked.
const fn rule(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: &'static [&'static str],
    pattern: &'static str,
    entropy_min: f64,
) -> Rule {
    Rule { id, title, severity, keywords, pattern, entropy_min, check: |_| true }
}

/// A row whose secrets are checked further.
const fn checked(rule: Rule, check: fn(&[u8]) -> bool) -> Rule {
    Rule { check, ..rule }
}

use Severity::{Critical, High, Medium};

/// All rules. Where two hold the same text, the first has it.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("gcp-service-account", "Key of a Google Cloud service account", Critical, &["\"private_key\""],
        r#""private_key"\s*:\s*"(-----BEGIN (?:RSA )?PRIVATE KEY-----[^"]+)""#, 3.0),
    rule("ssh-private-key", "SSH private key", Critical, &["begin openssh private key"],
        r"(-----BEGIN OPENSSH PRIVATE KEY-----[\sA-Za-z0-9+/=]+-----END OPENSSH PRIVATE KEY-----)", 3.0),
    rule("pgp-private-key", "PGP private key", Critical, &["begin pgp private key block"],
        r"(-----BEGIN PGP PRIVATE KEY BLOCK-----[^\-]+-----END PGP PRIVATE KEY BLOCK-----)", 3.0),
    rule("encrypted-private-key", "Private key behind a passphrase", Medium, &["private key-----"],
        r"(-----BEGIN (?:ENCRYPTED PRIVATE KEY-----|(?:RSA|EC|DSA) PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info: [A-Za-z0-9,\-]+)\s[\sA-Za-z0-9+/=]+-----END [A-Z ]{0,10}PRIVATE KEY-----)", 3.0),
    rule("private-key", "Private key", Critical, &["private key-----"],
        r"(-----BEGIN (?:(?:RSA|EC|DSA) )?PRIVATE KEY-----(?:\s|\\n|\\r)[\sA-Za-z0-9+/=\\]+-----END (?:(?:RSA|EC|DSA) )?PRIVATE KEY-----)", 3.0),
    rule("kubeconfig-client-key", "Private key in a kubeconfig", Critical, &["client-key-data"],
        r#"client-key-data["']?\s*:\s*["']?(LS0tLS1CRUdJTi[A-Za-z0-9+/=]+)"#, 3.0),
    checked(rule("docker-config-auth", "Password of a registry in Docker's configuration", High, &["\"auth\""],
        r#""auth"\s*:\s*"([A-Za-z0-9+/]+={0,2})""#, 2.5), checks::is_basic_credentials),
    rule("aws-access-key-id", "AWS access key", High, &["akia"],
        r"\b(AKIA[A-Z2-7]{16})\b", 3.0),
    rule("aws-secret-access-key", "AWS secret access key", Critical, &["secret_access_key", "secretaccesskey", "aws_secret", "secret_key"],
        r#"(?i:aws_?secret_?(?:access_?)?key|secret_?access_?key|aws_secret_key)["']?\s*(?:=>|:=|[:=])\s*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#, 4.0),
    rule("azure-storage-key", "Key of an Azure storage account", Critical, &["accountkey="],
        r"(?i:AccountKey)=([A-Za-z0-9+/]{86}==)", 4.0),
    rule("azure-client-secret", "Client secret of Microsoft Entra", High, &["q~"],
        r"(?:^|[^A-Za-z0-9_~.\-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34})(?:[^A-Za-z0-9_~.\-]|$)", 3.5),
    rule("google-api-key", "Google API key", Medium, &["aiza"],
        r"\b(AIza[A-Za-z0-9_\-]{35})(?:[^A-Za-z0-9_\-]|$)", 3.5),
    rule("google-client-secret", "Client secret of Google OAuth", High, &["gocspx-"],
        r"\b(GOCSPX-[A-Za-z0-9_\-]{28})(?:[^A-Za-z0-9_\-]|$)", 3.5),
    rule("github-token", "GitHub token", Critical, &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"\b(gh[pousr]_[A-Za-z0-9]{36,251})\b", 3.5),
    rule("github-fine-grained-token", "GitHub fine-grained token", Critical, &["github_pat_"],
        r"\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b", 3.5),
    rule("gitlab-personal-token", "GitLab personal access token", Critical, &["glpat-"],
        r"\b(glpat-[A-Za-z0-9_\-]{20,300})", 3.0),
    rule("gitlab-token", "GitLab token", High, &["glrt-", "gldt-", "glcbt-", "glptt-", "glsoat-", "glft-", "glimt-", "glagent-"],
        r"\b((?:glrt|gldt|glcbt|glptt|glsoat|glft|glimt|glagent)-[A-Za-z0-9_\-]{20,300})", 3.0),
    rule("slack-token", "Slack token", High, &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-"],
        r"\b(xox[abposr]-(?:[0-9]{8,14}-){1,3}[A-Za-z0-9]{20,64})\b", 3.0),
    rule("slack-app-token", "Slack app-level token", High, &["xapp-"],
        r"\b(xapp-[0-9]-[A-Z0-9]{9,14}-[0-9]{8,14}-[a-f0-9]{64})\b", 3.0),
    rule("slack-webhook", "Address of a Slack webhook", Medium, &["hooks.slack.com"],
        r"hooks\.slack\.com/services/(T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24})\b", 3.0),
    rule("discord-webhook", "Address of a Discord webhook", Medium, &["/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/([0-9]{17,20}/[A-Za-z0-9_\-]{60,80})", 3.0),
    rule("telegram-bot-token", "Telegram bot token", High, &[":aa"],
        r"\b([0-9]{8,10}:AA[A-Za-z0-9_\-]{33})(?:[^A-Za-z0-9_\-]|$)", 3.5),
    rule("stripe-key", "Stripe live key", Critical, &["sk_live_", "rk_live_"],
        r"\b((?:sk|rk)_live_[A-Za-z0-9]{24,247})\b", 3.0),
    rule("shopify-token", "Shopify token", High, &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"\b(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})\b", 3.0),
    rule("sendgrid-key", "SendGrid API key", High, &["sg."],
        r"\b(SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43})(?:[^A-Za-z0-9_\-]|$)", 3.5),
    rule("npm-token", "npm token", Critical, &["npm_"],
        r"\b(npm_[A-Za-z0-9]{36})\b", 3.5),
    rule("npm-registry-token", "Token of a registry in .npmrc", High, &[":_authtoken"],
        r"//[^\s:]{3,200}(?::[0-9]{1,5})?[^\s:]{0,200}:_authToken\s*=\s*([A-Za-z0-9_.\-+/=]{20,400})", 3.0),
    rule("pypi-token", "PyPI token", Critical, &["pypi-ageichlwas5vcmc", "pypi-agendgvzdc5wexbplm"],
        r"\b(pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm)[A-Za-z0-9_\-]{50,400})", 3.5),
    rule("rubygems-key", "RubyGems API key", Critical, &["rubygems_"],
        r"\b(rubygems_[a-f0-9]{48})\b", 3.0),
    rule("cargo-token", "crates.io token", Critical, &["cio"],
        r"\b(cio[A-Za-z0-9]{32})\b", 4.0),
    rule("docker-hub-token", "Docker Hub token", Critical, &["dckr_pat_", "dckr_oat_"],
        r"\b(dckr_[po]at_[A-Za-z0-9_\-]{27,64})", 3.5),
    rule("vault-token", "HashiCorp Vault token", High, &["hvs.", "hvb."],
        r"\b(hv[sb]\.[A-Za-z0-9_\-]{90,300})", 3.5),
    rule("terraform-token", "HCP Terraform token", High, &[".atlasv1."],
        r"\b([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{60,70})", 3.5),
    rule("digitalocean-token", "DigitalOcean token", Critical, &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"\b(do[opr]_v1_[a-f0-9]{64})\b", 3.0),
    rule("databricks-token", "Databricks token", High, &["dapi"],
        r"\b(dapi[a-f0-9]{32}(?:-[0-9])?)\b", 3.0),
    rule("grafana-token", "Grafana service account token", High, &["glsa_"],
        r"\b(glsa_[A-Za-z0-9]{32}_[a-f0-9]{8})\b", 3.0),
    rule("new-relic-key", "New Relic user key", Medium, &["nrak-"],
        r"\b(NRAK-[A-Z0-9]{27})\b", 3.0),
    rule("openai-key", "OpenAI API key", Critical, &["t3blbkfj"],
        r"\b(sk-[A-Za-z0-9_\-]{20,100}T3BlbkFJ[A-Za-z0-9_\-]{20,100})", 3.5),
    rule("anthropic-key", "Anthropic API key", Critical, &["sk-ant-"],
        r"\b(sk-ant-[a-z]{3,8}[0-9]{2}-[A-Za-z0-9_\-]{80,120})", 3.5),
    rule("hugging-face-token", "Hugging Face token", High, &["hf_"],
        r"\b(hf_[A-Za-z]{34})\b", 3.5),
    rule("age-secret-key", "age secret key", Critical, &["age-secret-key-1"],
        r"\b(AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})\b", 3.5),
    checked(rule("database-password", "Address of a database with its password", High, &["postgres", "mysql", "mariadb", "mongodb", "redis", "amqp"],
        r#"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?)://[^\s:@/"']{0,100}:([^\s:@/"'$<>{}%*]{8,200})@[A-Za-z0-9\[]"#, 2.5), checks::is_chosen_password),
    checked(rule("json-web-token", "JSON web token", Medium, &["eyj"],
        r"\b(eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{40,})", 3.5), checks::is_web_token),
];
