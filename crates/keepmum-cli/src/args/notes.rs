//! Explanations beneath the options in a command's help: how paths are found, the meaning of signs.

/// A heading, and paragraphs or rows beneath it. A row is a word and its meaning.
pub(crate) struct Note {
    pub(crate) heading: &'static str,
    pub(crate) rows: &'static [(&'static str, &'static str)],
}

/// The explanation for a command.
pub(crate) fn note(command: &str) -> Option<Note> {
    match command {
        "ls" | "restore" | "dump" => {
            let rows = if command == "restore" { &RESTORE[..] } else { &PATHS[..] };
            Some(Note { heading: "Paths", rows })
        }
        "forget" => Some(Note { heading: "What stays", rows: &STAYS }),
        "diff" => Some(Note { heading: "Signs", rows: &SIGNS }),
        _ => None,
    }
}

const PATHS: [(&str, &str); 4] = [
    ("~/a", "in your home"),
    ("a", "in the current folder; if it is not there, in the folders that were backed up"),
    (
        "'a*'",
        "wildcards are * ? [abc] and ** for any folders; a name that has them is found as it is",
    ),
    ("./a:b", "a path with a colon in its name begins with ./ or /"),
];

const RESTORE: [(&str, &str); 6] = [
    PATHS[0],
    PATHS[1],
    PATHS[2],
    PATHS[3],
    (
        "newer",
        "a file that is newer in the target is asked about on a terminal; else it stays, is listed, \
         and the exit code is 3",
    ),
    ("--target", "what is in a folder, or the file itself; several paths by their names"),
];

const STAYS: [(&str, &str); 5] = [
    ("newest", "the newest complete snapshot of each device and source always stays"),
    ("pinned", "a pinned snapshot stays until `keepmum pin --remove`"),
    (
        "others",
        "without --device only snapshots of this computer are forgotten. Rules count only snapshots \
         that are complete and confirmed, each source on its own",
    ),
    (
        "half",
        "more than half of the snapshots at once are forgotten only with --accept-deletions, and no \
         rule forgets any while most files are gone from the source",
    ),
    ("space", "forgotten snapshots are not listed any more; `keepmum prune` deletes their data"),
];

const SIGNS: [(&str, &str); 7] = [
    ("+", "added"),
    ("-", "removed"),
    ("M", "its content changed, or what it is"),
    ("m", "only its mode, owner, time or attributes changed"),
    ("R", "moved: old path -> new path"),
    ("Rm", "moved, and its mode, owner, time or attributes changed"),
    (
        "",
        "After the sign stands by how much a file became larger or smaller. A folder of which only \
         the time changed is not listed without --verbose.",
    ),
];
