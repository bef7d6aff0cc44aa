//! More about each command than one line of help has room for.

/// The paragraphs about a command.
pub(super) fn about(command: &str) -> &'static [&'static str] {
    ABOUT.iter().find(|(name, _)| *name == command).map_or(&[], |(_, texts)| *texts)
}

const ABOUT: &[(&str, &[&str])] = &[
    (
        "init",
        &[
            "Asks for the folders to back up, the destination and the password, then writes the \
             config and makes the repository. If the destination already holds a repository, this \
             computer joins it.",
            "With a config that is already there, it only makes the repository.",
            "The recovery code is shown once, on a terminal. Without a terminal, name a new file \
             with --recovery-code-file.",
        ],
    ),
    (
        "backup",
        &[
            "Stores whatever is new or changed. Content that is already stored is not stored \
             again, also if its file was moved or renamed. A run that finds no changes uploads \
             nothing, except for a small sign of life once a week.",
            "The destination and the catalogue are never part of the backup.",
            "A run may be interrupted at any time. The next run continues, and needs no repair.",
            "keepmum refuses to run if more than half of the files disappeared since the last \
             backup, because a disk that is not mounted looks the same. If you deleted them, use \
             --accept-deletions. Files that only moved do not count.",
        ],
    ),
    ("snapshots", &["Lists every snapshot with its id, time, device, size and state."]),
    ("ls", &["Lists the files and folders of a snapshot, by default of the latest one."]),
    (
        "restore",
        &[
            "With --target, files appear below that folder; without it, they go back to where they \
             came from. Files that are already right are left alone, so an interrupted restore is \
             simply run again.",
            "A file that is newer in the target than in the snapshot is not replaced unless you \
             say so: on a terminal you are asked, elsewhere it is kept and listed, and the exit \
             code is 3.",
            "Every piece is verified while it is restored. A wrong byte is never written.",
        ],
    ),
    (
        "dump",
        &["Writes a file as it is. Writes a folder as a tar archive, with ACLs and extended \
             attributes."],
    ),
    (
        "diff",
        &[
            "Compares content, kind, mode, owner, extended attributes and ACLs. Compares a snapshot \
             with the source on this computer if only one snapshot is given.",
        ],
    ),
    (
        "forget",
        &[
            "Takes snapshots out of the list, by name or by rules. A rule such as --keep-daily 7 \
             keeps the newest snapshot of each of the last seven days that have any; a snapshot \
             stays if one of the rules keeps it. Rules that are not typed come from [Retention] in \
             the config. With `auto_forget = yes` each backup that saved something does the same.",
            "The newest complete snapshot of each device and source always stays, and so does a \
             pinned one. Only complete and confirmed snapshots count. The order is the one in which \
             they were made, whatever a clock said.",
            "More than half of the snapshots at once need --accept-deletions. While most files are \
             gone from the source, no rule forgets anything; the last snapshot before that stays \
             until it is named, or --accept-deletions is given.",
            "Nothing is deleted before `keepmum prune`: --undo brings forgotten snapshots back while their data is \
             there.",
            "--damaged forgets what a check found damaged or lost. Run `keepmum backup` first: it \
             repairs what the source still has.",
        ],
    ),
    (
        "prune",
        &[
            "Deletes stored files that no snapshot needs any more. Where a stored file is needed in \
             part, that part is stored again first, as long as this uploads at most a twentieth of \
             the space that it frees; --max-upload sets another limit.",
            "A computer that is alone in its repository gets the space back at once. Where others \
             back up to the same place, they must agree: `prune` proposes, each other computer \
             reads that in its next backups, and the next `prune` or backup of this one deletes. \
             So a computer that is off holds the space; `keepmum device retire` ends that.",
            "A `prune` may be stopped or killed at any time; the next one goes on. It deletes \
             nothing while a snapshot cannot be read whole.",
        ],
    ),
    (
        "pin",
        &["A pinned snapshot is never forgotten, by no rule and by no name, until it is unpinned."],
    ),
    (
        "tag",
        &["A tag names a snapshot in every command, as an id does: `keepmum restore \
             before-update:`. Several snapshots may have one tag; then it names none of them, but \
             for `forget` and `pin`, which take all."],
    ),
    (
        "check",
        &[
            "Without an option, verifies that every stored file is there and has the right size. \
             With --read-data, reads and verifies every byte. --read-data-subset reads a part, and \
             repeated runs cover everything.",
            "`keepmum status` remembers the result.",
        ],
    ),
    (
        "status",
        &["The first line says whether all is well. Below it are the devices with their last \
             backup and last change, the last check, damage if there is any, and the space used."],
    ),
    (
        "log",
        &["Lists the runs of this computer, with their exit codes. With a number, shows the \
             problems of that run."],
    ),
    (
        "device",
        &[
            "`list` shows every computer that has saved to this repository: its id, its last backup \
             and last change, its snapshots, and whether a backup is overdue.",
            "`rename` gives this computer another name in the repository.",
            "`retire` says that another computer will not back up again, so that nothing waits for \
             it any more. Its snapshots stay and can be restored. If it backs up all the same, it \
             goes on as a new device, and its runs since then count only once they are checked.",
        ],
    ),
    (
        "tidy",
        &[
            "Sync clients make copies of files, such as `NAME (1)` or `NAME.sync-conflict-...`, \
             and folders for them. They do no harm: keepmum reads a copy where the original is \
             missing or damaged. They take space.",
            "A copy is deleted only if the original is here, was read whole just now and is intact, \
             and the copy has the same bytes. Everything else is kept, with the reason. Files that \
             are not keepmum's, folders, and the trash of the sync client are never touched.",
            "If a file lies under its own name in several folders, the one in the fewest folders \
             is the original.",
        ],
    ),
    (
        "key",
        &[
            "A repository can have several passwords and one recovery code. Each opens everything.",
            "Whoever knew a password and kept a copy of the destination can still open that copy \
             after the password is removed.",
        ],
    ),
    (
        "config",
        &[
            "`show` prints the settings that hold, and where each comes from: a line of the config, \
             the environment, or a default. It never prints the password.",
            "`check` reads the config and names every problem that it finds.",
        ],
    ),
    ("help", &["`keepmum help config KEY` explains one key of the config."]),
    (
        "man",
        &["Opens the page with `man` on a terminal. Elsewhere, prints the page in the form that \
             `man` reads."],
    ),
    (
        "completions",
        &["The script lets the shell complete commands, options, snapshots, paths in snapshots, \
             devices, and ids of passwords. It asks the program, which looks at the catalogue \
             only: it never asks for a password, and never waits."],
    ),
];
