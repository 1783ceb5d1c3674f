use crate::output::Failure;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// Does something with each item, at most `jobs` at once; returns what came of them, in their order.
///
/// # Errors
/// The first failure; what is not begun by then is not begun.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    act: impl Fn(&T) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let (next, done, failure) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(None));
    let work = || {
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some(item) = items.get(at) else { return };
            match act(item) {
                Ok(result) => done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result)),
                Err(problem) => {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
                    next.store(items.len(), Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..jobs.min(items.len()) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(failure) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_each_is_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();

        let doubled = in_parallel(4, &items, |item| Ok(item * 2)).unwrap();

        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(in_parallel(4, &[0_u8; 0], |_| Ok(())), Ok(vec![]));
    }

    #[test]
    fn a_failure_ends_it() {
        let items: Vec<u32> = (0..100).collect();
        let fail = |item: &u32| if *item == 3 { Err(Failure::failed("no", "")) } else { Ok(()) };

        assert_eq!(in_parallel(1, &items, fail), Err(Failure::failed("no", "")));
    }
}
