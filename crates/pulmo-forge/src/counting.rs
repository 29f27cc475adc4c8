//! An allocator that counts what each thread holds: `#[global_allocator]` of tests that bound memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread holds.
    pub static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most that it held.
    pub static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counted for each thread.
pub struct Counting;

fn count(bytes: isize) {
    // a thread that is ending counts no more
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

#[expect(unsafe_code, reason = "an allocator that counts can only be written so; all work is the system's")]
// SAFETY: every call is passed on unchanged to the system's allocator
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(pointer, layout) }
    }
}
