//! The duties of every store, as one function over any empty store.
//!
//! A new kind of store passes this before anything else is said about it.

use super::{Listed, Put, Store, StoreErrorKind};

/// Runs everything; panics where the store does not conform.
pub(super) fn check(store: &dyn Store) {
    puts_and_reads(store);
    never_replaces(store);
    reads_ranges(store);
    respects_limits(store);
    deletes(store);
    refuses_odd_names(store);
    serves_threads(store);
}

fn kind<T: std::fmt::Debug>(result: Result<T, super::StoreError>) -> StoreErrorKind {
    result.expect_err("must fail").kind
}

fn listed(store: &dyn Store) -> Vec<Listed> {
    let mut listed = Vec::new();
    store.list(&mut |file| listed.push(file)).unwrap();
    listed.sort();
    listed
}

fn puts_and_reads(store: &dyn Store) {
    assert_eq!(listed(store), []);
    let large: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    for (name, bytes) in [("empty", &[][..]), ("one", &[7]), ("large", &large)] {
        assert_eq!(store.put_new(name, bytes).unwrap(), Put::Stored);
        assert_eq!(store.get(name, 1 << 21).unwrap(), bytes);
    }
    store.sync().unwrap();
    store.sync().unwrap();
    let expected = [("empty", 0), ("large", 1_200_000), ("one", 1)];
    let expected = expected.map(|(path, length)| Listed { path: path.to_owned(), length });
    assert_eq!(listed(store), expected);
}

fn never_replaces(store: &dyn Store) {
    assert_eq!(store.put_new("twice", b"abc").unwrap(), Put::Stored);
    assert_eq!(store.put_new("twice", b"abc").unwrap(), Put::Existed);
    assert_eq!(kind(store.put_new("twice", b"abd")), StoreErrorKind::Differs);
    assert_eq!(kind(store.put_new("twice", b"abcd")), StoreErrorKind::Differs);
    assert_eq!(kind(store.put_new("twice", b"")), StoreErrorKind::Differs);
    assert_eq!(store.get("twice", 100).unwrap(), b"abc");
    assert_eq!(store.put_new("empty", b"").unwrap(), Put::Existed);
}

fn reads_ranges(store: &dyn Store) {
    let _put = store.put_new("range", b"0123456789").unwrap();
    for _ in 0..2 {
        assert_eq!(store.get_range("range", 3, 4).unwrap(), b"3456");
        assert_eq!(store.get_range("range", 0, 10).unwrap(), b"0123456789");
        assert_eq!(store.get_range("range", 10, 0).unwrap(), b"");
        assert_eq!(kind(store.get_range("range", 8, 3)), StoreErrorKind::Truncated);
        assert_eq!(kind(store.get_range("range", 11, 0)), StoreErrorKind::Truncated);
        // No buffer of this size may be made for it.
        assert_eq!(kind(store.get_range("range", 0, usize::MAX / 4)), StoreErrorKind::Truncated);
        assert_eq!(kind(store.get_range("range", u64::MAX, 2)), StoreErrorKind::Truncated);
    }
    assert_eq!(kind(store.get_range("nothing", 0, 1)), StoreErrorKind::Missing);
}

fn respects_limits(store: &dyn Store) {
    let _put = store.put_new("limit", b"12345").unwrap();
    assert_eq!(store.get("limit", 5).unwrap(), b"12345");
    assert_eq!(kind(store.get("limit", 4)), StoreErrorKind::TooLong);
    assert_eq!(kind(store.get("nothing", 4)), StoreErrorKind::Missing);
}

fn deletes(store: &dyn Store) {
    let _put = store.put_new("passing", b"bytes").unwrap();
    assert_eq!(store.get_range("passing", 0, 5).unwrap(), b"bytes");
    store.delete("passing").unwrap();
    store.sync().unwrap();
    assert_eq!(kind(store.delete("passing")), StoreErrorKind::Missing);
    assert_eq!(kind(store.get("passing", 9)), StoreErrorKind::Missing);
    assert_eq!(kind(store.get_range("passing", 0, 5)), StoreErrorKind::Missing);
    assert!(!listed(store).iter().any(|object| object.path == "passing"));
    assert_eq!(store.put_new("passing", b"others").unwrap(), Put::Stored);
    assert_eq!(store.get_range("passing", 0, 6).unwrap(), b"others");
}

fn refuses_odd_names(store: &dyn Store) {
    let before = listed(store);
    for name in ["", ".", "..", "../outside", "folder/name", "/absolute"] {
        assert_eq!(kind(store.put_new(name, b"x")), StoreErrorKind::Io, "{name:?}");
    }
    assert_eq!(listed(store), before, "a refused object leaves nothing");
}

fn serves_threads(store: &dyn Store) {
    let stored = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..20u8 {
                    let put = store.put_new(&format!("thread{number}"), &[number; 50]).unwrap();
                    let new = usize::from(put == Put::Stored);
                    stored.fetch_add(new, std::sync::atomic::Ordering::Relaxed);
                    store.sync().unwrap();
                }
            });
        }
    });
    assert_eq!(stored.into_inner(), 20, "each name is given once");
    for number in 0..20u8 {
        assert_eq!(store.get(&format!("thread{number}"), 99).unwrap(), [number; 50]);
    }
}
