//! Candidates where nothing is remembered. With a catalogue the shells themselves are tried.

use super::candidates;

fn offered(line: &str) -> Vec<String> {
    let words = line.split(' ').map(Into::into).collect();
    let found = candidates(words);
    found.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect()
}

#[test]
fn commands_come_before_options_and_options_with_their_dash() {
    assert!(offered("keepmum ").contains(&"backup".to_owned()));
    assert!(!offered("keepmum ").iter().any(|one| one.starts_with('-')));
    assert_eq!(offered("keepmum ba"), ["backup"]);
    assert!(offered("keepmum backup --dr").contains(&"--dry-run".to_owned()));
    assert_eq!(offered("keepmum key pa"), ["passwd"]);
    assert_eq!(offered("keepmum restore --overwrite if-"), ["if-older", "if-changed"]);
    assert_eq!(offered("keepmum help wo"), ["words"]);
    assert_eq!(offered("keepmum help config ev"), ["every"]);
    assert_eq!(offered("keepmum help key rem"), ["remove"]);
    assert_eq!(offered("keepmum man res"), ["restore"]);
}

#[test]
fn without_a_catalogue_no_snapshot_is_offered() {
    for line in [
        "keepmum ls -c /nowhere lat",
        "keepmum key remove -c /nowhere 0",
        "keepmum log -c /nowhere ",
    ] {
        let found = offered(line);
        assert!(found.iter().all(|one| one.starts_with('-')), "{line}: {found:?}");
    }
}
