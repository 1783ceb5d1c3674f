/// Some items of a longer list, in its order, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether the list goes on after the last item.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Cuts a list that was asked for with one item more than `count` to a page of `count`.
    pub fn cut(mut items: Vec<T>, count: usize) -> Self {
        let has_more = items.len() > count;
        items.truncate(count);
        Page { items, has_more }
    }

    /// Applies `change` to each item.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), has_more: self.has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_too_many_says_that_there_is_more() {
        assert_eq!(Page::cut(vec![1, 2, 3], 2), Page { items: vec![1, 2], has_more: true });
        assert_eq!(Page::cut(vec![1, 2], 2), Page { items: vec![1, 2], has_more: false });
    }
}
