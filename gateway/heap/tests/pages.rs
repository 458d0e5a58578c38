//! Pages go back to the system although memory behind them is in use.
#![cfg(target_env = "gnu")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Bytes of a block: four pages, and less than what gets a mapping of its own.
const BLOCK: usize = 16 << 10;
const BLOCKS: usize = 4096;

/// Resident memory in bytes (proc(5)).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn pages_between_blocks_in_use_go_back_to_the_system() {
    assert!(roost_heap::tune());
    let mut blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|_| vec![1; BLOCK]).collect();
    let full = resident();
    let mut at = 0;
    blocks.retain(|_| {
        at += 1;
        at % 16 == 0
    });
    let kept = resident();
    assert!(roost_heap::give_back());
    let left = resident();
    // 15 of 16 blocks are free, 60 of 64 MiB. What is left of their first and last pages is a fifth at most.
    let free = BLOCKS * BLOCK / 16 * 15;
    assert!(
        left + free / 5 * 4 <= full,
        "{full} bytes full, {kept} with holes, {left} given back"
    );
    assert!(blocks.iter().flatten().all(|byte| *byte == 1));
}
