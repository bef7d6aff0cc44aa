//! The next step after a failure, by its kind.

use keepmum::ops::ErrorKind;

/// The next step when the rules leave out all of a folder.
const LEFT_OUT: &str = "see `to_exclude` and the other rules in [Backup] of the config. If this is \
                        meant to be so, run `keepmum backup --accept-deletions`";

/// The next step when so many files seem to be deleted.
pub(super) fn of_deletions(files: u64) -> String {
    let these = if files == 1 { "this file" } else { "these files" };
    format!(
        "is a disk not mounted? Mount it and run `keepmum backup` again. Did you delete {these}? Run \
         `keepmum backup --accept-deletions={files}`; older snapshots keep them either way"
    )
}

/// The next step when so many snapshots would be forgotten at once.
pub(super) fn of_forgotten(snapshots: u64) -> String {
    format!(
        "nothing was forgotten. `--dry-run` shows what would be; if you mean it, run this again with \
         `--accept-deletions={snapshots}`"
    )
}

/// The next step after an error of the library of this kind.
pub(super) fn of(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Usage => {
            "`keepmum snapshots` lists the snapshots, `keepmum ls SNAPSHOT` what is in one"
        }
        ErrorKind::NoSuchPath => "`keepmum ls SNAPSHOT` shows what is in a snapshot",
        ErrorKind::NoSnapshot => {
            "`keepmum backup` makes the first one; `keepmum snapshots` lists those of other devices \
             and sources"
        }
        ErrorKind::Forgotten => {
            "`keepmum forget --undo ID` brings it back while its data is still there"
        }
        ErrorKind::ForgetRefused => {
            "nothing was changed. `keepmum pin --remove SNAPSHOT` takes a pin away; \
             `keepmum help forget` says what always stays"
        }
        ErrorKind::WrongPassword => "the recovery code is accepted in place of the password",
        ErrorKind::NoRepository => {
            "is this the right folder, and has the sync client brought the files? `keepmum init` \
             makes a new repository"
        }
        ErrorKind::KeysGone => {
            "bring the files of 4,096 bytes back from the history or the trash of the sync service; \
             one of them is enough"
        }
        ErrorKind::NotUnderstood => "a newer version of keepmum reads it; nothing is damaged",
        ErrorKind::Pending => "let the sync client finish, then run this again; nothing is damaged",
        ErrorKind::Destination => {
            "see that the destination is mounted, writable and not full, then run this again: \
             nothing half-done counts"
        }
        ErrorKind::Refused => {
            "nothing was changed. Is the right disk mounted, and has the sync client finished? \
             Where a new repository is meant, give it a db_path of its own too"
        }
        ErrorKind::LeftOut => LEFT_OUT,
        ErrorKind::SourceGone => {
            "is the right disk mounted? Then run `keepmum backup` again. If this is meant to be so, \
             run `keepmum backup --accept-deletions`"
        }
        ErrorKind::DeletionRefused => {
            "nothing was changed; without --delete everything comes back and nothing is removed"
        }
        ErrorKind::ManyDeletions => {
            "`--dry-run` names what would go; if it is meant to be so, `--accept-deletions` goes on"
        }
        ErrorKind::Exists => {
            "`keepmum backup` saves into it; a new repository needs another destination"
        }
        ErrorKind::Busy => {
            "wait until it has ended, then run this again; a run that was killed holds nothing up"
        }
        ErrorKind::KeySlots => "nothing was changed; `keepmum key list` shows the slots",
        ErrorKind::Damaged => {
            "`keepmum check --read-data` says which files are affected; a backup stores again \
             what the source still has"
        }
        ErrorKind::Local => {
            "the catalogue is a cache: once it is moved away it is made anew from the destination"
        }
        ErrorKind::Target => {
            "see that the target is writable and not full, then run this again: what is already \
             right is left alone"
        }
        ErrorKind::Interrupted => "run it again to go on; earlier snapshots, if any, are untouched",
        _ => return None,
    })
}
