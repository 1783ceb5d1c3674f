//! How often memory is asked for: what must not grow with its input is counted here, and not timed.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, with a count for each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Returns what a work gives, and how often its thread asked for memory, or for more of it, meanwhile.
pub(crate) fn count_while<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNT.get();
    let given = work();
    (given, COUNT.get() - before)
}

fn count() {
    // A thread that ends may ask for memory when its count is gone already: nobody looks at that one any more.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed on to the system's allocator as it came, and counting asks for no memory itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the memory came from `System`, as all of it here does, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `System`, as all of it here does.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn each_time_that_memory_is_asked_for_counts_and_giving_it_back_does_not() {
        let (_, none) = count_while(|| black_box(1) + 1);
        let (mut kept, one) = count_while(|| black_box(Vec::<u8>::with_capacity(8)));
        let ((), more) = count_while(|| kept.reserve_exact(black_box(4096)));
        let ((), given_back) = count_while(|| drop(kept));

        assert_eq!((none, one, more, given_back), (0, 1, 1, 0));
    }
}
