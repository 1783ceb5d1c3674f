use strsim::damerau_levenshtein;

/// Returns the name most like `wrong`, a dotted path.
///
/// A path that ends alike in another section counts as near: `min_free` finds `storage.min_free`.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().min_by_key(|name| distance(wrong, name))
}

fn distance(wrong: &str, name: &str) -> (usize, usize) {
    let whole = damerau_levenshtein(wrong, name);
    let ends = damerau_levenshtein(last(wrong), last(name)) + 1;
    (whole.min(ends), whole)
}

/// The part after the last dot.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_what_was_meant() {
        let keys = ["listen", "region", "storage.min_free", "storage.path", "collection.grace", "log.level"];

        for (wrong, meant) in [
            ("lisen", "listen"),
            ("min_free", "storage.min_free"),
            ("storage_min_free", "storage.min_free"),
            ("stroage.min_fre", "storage.min_free"),
            ("storage.grace", "collection.grace"),
            ("logs.level", "log.level"),
        ] {
            assert_eq!(nearest(wrong, keys), Some(meant), "{wrong}");
        }
    }
}
