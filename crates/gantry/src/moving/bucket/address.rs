use super::BucketError;
use std::{fmt, path::Path, str::FromStr};

const SCHEME: &str = "s3://";
/// What S3 allows, and what it allowed in its first years.
const BUCKET_BYTES_MAX: usize = 255;
const PREFIX_BYTES_MAX: usize = 1024;

/// Where something lies in an object store: `s3://BUCKET`, or `s3://BUCKET/PREFIX`.
///
/// The bucket is of `[A-Za-z0-9._-]`; the prefix is whole parts between slashes, none of them empty, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketAddress {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
}

impl BucketAddress {
    /// Returns the text of an address; `None` where what was typed is the path of a file.
    pub(crate) fn text_in(source: &Path) -> Option<&str> {
        source.to_str().filter(|text| text.starts_with(SCHEME))
    }

    /// The bucket's name.
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What all keys begin with: nothing, or parts that end in a slash each.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for BucketAddress {
    type Err = BucketError;

    fn from_str(text: &str) -> Result<Self, BucketError> {
        let wrong = || BucketError::Address { text: text.into() };
        let rest = text.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=BUCKET_BYTES_MAX).contains(&bucket.len()) || !bucket.bytes().all(is_plain) || bucket.starts_with('.') {
            return Err(wrong());
        }
        let prefix = prefix.trim_matches('/');
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        if prefix.len() > PREFIX_BYTES_MAX || !(prefix.is_empty() || prefix.split('/').all(is_part)) {
            return Err(wrong());
        }
        let end = if prefix.is_empty() { "" } else { "/" };
        Ok(BucketAddress { bucket: bucket.into(), prefix: format!("{prefix}{end}") })
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_perhaps_a_prefix() {
        for (text, bucket, prefix) in [
            ("s3://registry", "registry", ""),
            ("s3://registry/", "registry", ""),
            ("s3://my.registry-1/some/place", "my.registry-1", "some/place/"),
            ("s3://registry//some place/", "registry", "some place/"),
        ] {
            let address: BucketAddress = text.parse().unwrap();

            assert_eq!((address.bucket(), address.prefix()), (bucket, prefix), "{text}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_no_address() {
        for text in
            ["s3://", "s3:///some", "s3://a@b/c", "s3://a/../b", "s3://a/b//c", "s3://a/b\n", "s3://..", "s3://a:1/b"]
        {
            assert!(text.parse::<BucketAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_of_a_file_is_none() {
        assert_eq!(BucketAddress::text_in(Path::new("/var/lib/registry")), None);
        assert_eq!(BucketAddress::text_in(Path::new("s3://a/b")), Some("s3://a/b"));
    }
}
