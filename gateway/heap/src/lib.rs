//! The C library's allocator, told how a gateway uses memory. The only unsafe code of the project: two calls of glibc
//! that nothing safe offers. With another C library they do nothing.

/// Heaps that the allocator makes at most. Of itself it makes eight for each processor, each with holes of its own:
/// with two, ten thousand devices take a tenth less memory, and nothing takes longer.
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Says how many heaps there are to be, unless `MALLOC_ARENA_MAX` in the environment says it. To be called before the
/// program's second thread starts: heaps that exist stay. Returns whether the allocator took it (mallopt(3)).
#[cfg(target_env = "gnu")]
pub fn tune() -> bool {
    if std::env::var_os("MALLOC_ARENA_MAX").is_some() {
        return true;
    }
    #[expect(unsafe_code, reason = "mallopt(3) can only be had so")]
    // SAFETY: it takes two numbers, and the allocator's own lock.
    let taken = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
    taken == 1
}

/// Gives pages back to the system that hold nothing but freed memory, wherever they lie; of itself the allocator does
/// that only at the end of a heap. Who allocates meanwhile waits: for milliseconds with a heap of 100 MB. Returns
/// whether there were any (malloc_trim(3)).
#[cfg(target_env = "gnu")]
pub fn give_back() -> bool {
    #[expect(unsafe_code, reason = "malloc_trim(3) can only be had so")]
    // SAFETY: it takes a number, and the allocator's own locks.
    let given = unsafe { libc::malloc_trim(0) };
    given == 1
}

/// Nothing is known of this C library's allocator.
#[cfg(not(target_env = "gnu"))]
pub fn tune() -> bool {
    false
}

/// Nothing is known of this C library's allocator.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() -> bool {
    false
}
