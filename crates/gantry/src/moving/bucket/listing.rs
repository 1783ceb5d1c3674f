//! A list of all keys below a prefix, page after page. Each page is asked for by the key that it is to begin after, and not by the
//! store's own mark: so that what is not needed can be passed over, however much it is.

use super::{
    BucketError, Object,
    answers::{Page, read_page},
    client::Client,
    key_index::{Facts, KeyIndex},
};
use crate::remote::percent_encoded;

/// Pages at most: of a hundred million keys.
const PAGES_MAX: usize = 100_000;
/// Folders of which nothing is needed: distribution's of layers and uploads, zot's of uploads, copies and vulnerabilities.
const PASSED_OVER: [&str; 5] = ["_layers", "_uploads", "_trivy", ".uploads", ".sync"];
/// Lists everything below a prefix, which is empty or ends in a slash. `seen` learns of the bytes of each page.
///
/// # Errors
/// [`BucketError`].
pub(super) fn list(client: &Client, prefix: &str, seen: &dyn Fn(u64)) -> Result<KeyIndex, BucketError> {
    let (mut index, mut after) = (KeyIndex::default(), None);
    for _ in 0..PAGES_MAX {
        let bytes = client.list(&query(prefix, after.as_deref()))?;
        seen(bytes.len() as u64);
        let page = read_page(&bytes).map_err(|problem| BucketError::List { problem })?;
        take(&mut index, prefix, &page.objects)?;
        after = next(prefix, after, page)?;
        if after.is_none() {
            index.sort();
            return Ok(index);
        }
    }
    Err(BucketError::TooMany)
}

fn query(prefix: &str, after: Option<&str>) -> String {
    let part = |name: &str, value: &str| format!("&{name}={}", percent_encoded(value, ""));
    let prefix = if prefix.is_empty() { String::new() } else { part("prefix", prefix) };
    let after = after.map(|after| part("start-after", after)).unwrap_or_default();
    format!("list-type=2&encoding-type=url&max-keys=1000{prefix}{after}")
}

/// Keeps what is needed of a page, by names that go on from the prefix.
fn take(index: &mut KeyIndex, prefix: &str, objects: &[Object]) -> Result<(), BucketError> {
    for object in objects {
        let Some(name) = object.key.strip_prefix(prefix) else { continue };
        // Programs with windows write empty objects for folders; and what has empty parts, or dots, is no file that is looked for.
        let is_name = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if is_name && passed_over(name).is_none() {
            index.add(name, Facts { length: object.length, written_at: object.written_at })?;
        }
    }
    Ok(())
}

/// Decides after which key the next page begins; `None` where there is no other.
///
/// # Errors
/// The list does not go on.
fn next(prefix: &str, after: Option<String>, page: Page) -> Result<Option<String>, BucketError> {
    if !page.is_truncated {
        return Ok(None);
    }
    let last = page.objects.into_iter().map(|object| object.key).max();
    let Some(last) = last.filter(|last| after.as_ref().is_none_or(|after| last > after)) else {
        return Err(BucketError::List { problem: "it does not go on".into() });
    };
    let folder = last.strip_prefix(prefix).and_then(passed_over);
    // `0` is what comes after the slash.
    Ok(Some(folder.map(|folder| format!("{prefix}{folder}0")).unwrap_or(last)))
}

/// Returns the folder that a key lies in and that is not needed, without its slash; `None` where the key is needed.
fn passed_over(name: &str) -> Option<&str> {
    let mut begin = 0;
    for part in name.split('/') {
        let end = begin + part.len();
        if end < name.len() && PASSED_OVER.contains(&part) {
            return Some(&name[..end]);
        }
        begin = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str], is_truncated: bool) -> Page {
        let object = |key: &&str| Object { key: (*key).to_owned(), length: 1, written_at: None };
        Page { objects: keys.iter().map(object).collect(), is_truncated }
    }

    #[test]
    fn what_a_registry_keeps_beside_its_images_is_passed_over() {
        for (name, folder) in [
            ("r/team/app/_layers/sha256/00/link", Some("r/team/app/_layers")),
            ("r/app/_uploads/1/data", Some("r/app/_uploads")),
            ("r/app/_manifests/tags/v1/index/sha256/00/link", None),
            ("r/app/_manifests/revisions/sha256/00/link", None),
            ("r/app_layers/_manifests/tags/v1/current/link", None),
            ("_trivy/db", Some("_trivy")),
            ("_layers", None),
        ] {
            assert_eq!(passed_over(name), folder, "{name}");
        }
    }

    #[test]
    fn the_next_page_begins_after_the_last_key_or_after_all_that_is_not_needed() {
        let next = |keys: &[&str], is_truncated| next("p/", Some("p/a".into()), page(keys, is_truncated)).unwrap();

        assert_eq!(next(&["p/b", "p/c"], true).as_deref(), Some("p/c"));
        assert_eq!(next(&["p/b", "p/c/_layers/sha256/00/link"], true).as_deref(), Some("p/c/_layers0"));
        assert_eq!(next(&["p/b"], false), None);
    }

    #[test]
    fn a_list_that_does_not_go_on_is_not_read_for_ever() {
        for keys in [&["p/a"][..], &[]] {
            assert!(next("p/", Some("p/a".into()), page(keys, true)).is_err(), "{keys:?}");
        }
    }

    #[test]
    fn only_files_below_the_prefix_are_kept() {
        let mut index = KeyIndex::default();

        take(&mut index, "p/", &page(&["p/", "p/a/", "p/a/b", "p//c", "p/../d", "q/e", "p/_trivy/f"], false).objects)
            .unwrap();
        index.sort();

        assert_eq!((index.folders(""), index.names("a")), (vec!["a".to_owned()], vec!["b".to_owned()]));
        assert!(index.names("").is_empty());
    }

    #[test]
    fn a_page_is_asked_for_with_its_prefix_and_beginning() {
        assert_eq!(
            query("a b/", Some("a b/c+")),
            "list-type=2&encoding-type=url&max-keys=1000&prefix=a%20b%2F&start-after=a%20b%2Fc%2B"
        );
        assert_eq!(query("", None), "list-type=2&encoding-type=url&max-keys=1000");
    }
}
