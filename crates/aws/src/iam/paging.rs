//! Pages as IAM cuts them: `MaxItems` items behind `Marker`, which is what the last item of the page before is found by.

use gantry_words::Page;

/// Items of a page where the request does not say how many.
const COUNT: usize = 100;

/// How many items a page has.
pub(crate) fn count(max_items: Option<i32>) -> usize {
    max_items.and_then(|count| usize::try_from(count).ok()).unwrap_or(COUNT)
}

/// Cuts a page from a list that is short by its nature.
pub(crate) fn cut<T>(items: Vec<T>, key: fn(&T) -> &str, marker: Option<&str>, max_items: Option<i32>) -> Page<T> {
    let behind = marker.and_then(|marker| items.iter().position(|item| key(item) == marker)).map_or(0, |at| at + 1);
    Page::cut(items.into_iter().skip(behind).collect(), count(max_items))
}

/// The marker of the page behind this one; none where it is the last.
pub(crate) fn next<T>(page: &Page<T>, key: impl Fn(&T) -> String) -> Option<String> {
    page.items.last().filter(|_| page.has_more).map(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let page =
            |marker: Option<&str>| cut(vec!["a".to_string(), "b".into(), "c".into()], |item| item, marker, Some(2));

        assert_eq!(next(&page(None), String::clone).as_deref(), Some("b"));
        assert_eq!(page(Some("b")).items, ["c"]);
        assert_eq!(next(&page(Some("b")), String::clone), None);
        assert_eq!((count(None), count(Some(7))), (100, 7));
    }
}
