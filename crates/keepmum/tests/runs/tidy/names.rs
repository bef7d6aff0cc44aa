//! Our names beside the rules of sync clients and systems: what they ignore, what they forbid, and
//! how long a name may be. Of names only; no client was asked.

use crate::support::World;
use keepmum::inside::format::base32;
use keepmum::inside::seam::{SystemRandom, staging_name};

/// A client, and the files that it never uploads, in lower case. Nothing is documented for Google
/// Drive.
const IGNORED: [(&str, &[&str]); 9] = [
    (
        "Dropbox",
        &[
            "desktop.ini",
            "thumbs.db",
            ".ds_store",
            "icon\r",
            ".localized",
            ".dropbox*",
            ".fseventd*",
            ".trashes",
            "~$*",
            ".~*",
            "~*.tmp",
        ],
    ),
    ("OneDrive", &["*.tmp", "~$*", "._*", "*.laccdb", "thumbs.db", ".ds_store", "desktop.ini"]),
    (
        "iCloud",
        &[
            "*.tmp",
            "~$*",
            ".~*",
            "*~.*",
            "*.nosync*",
            "*.weakpkg*",
            "tmp",
            ".ubd",
            "dropbox",
            "onedrive",
            "idrive-sync",
        ],
    ),
    ("Syncthing", &[".syncthing.*", "~syncthing~*", ".stfolder", ".stignore", ".stversions"]),
    (
        "Nextcloud",
        &[
            "*.filepart",
            "*~",
            "*.part",
            "*.crdownload",
            "*.unison",
            ".*.sw?",
            ".*.*sw?",
            "*.kate-swp",
            "*_conflict-*",
            "*.~*",
            ".htaccess",
            "~$*",
            ".~lock.*",
        ],
    ),
    ("Box", &["*.tmp", "~*", "*.bak", ".*", "*.lnk", "*.pst", "*.qbw", "????????"]),
    ("MEGA", &["*.sb-????????-??????", "*.tmp", "*~.*", "desktop.ini", "thumbs.db", "~*"]),
    ("pCloud", &["._*", ".~lock.*", "thumbs.db", "*.part", "*~", "*.crdownload", ".pcloud"]),
    ("Sync.com", &["*.tmp", "._*", "*.cache", "*.download", "*.lnk"]),
];

/// Names that Windows, OneDrive or another client refuses, with any extension.
const RESERVED: [&str; 12] = [
    "con", "prn", "aux", "nul", "com?", "lpt?", "forms", ".lock", "lpt$", "com$", "tmp", "*_vti_*",
];

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), first) => {
            fits(&pattern[1..], name)
                || first.is_some_and(|first| fits(pattern, &name[first.len_utf8()..]))
        }
        (Some('?'), Some(first)) => fits(&pattern[1..], &name[first.len_utf8()..]),
        (Some(one), Some(first)) if one == first => {
            fits(&pattern[one.len_utf8()..], &name[first.len_utf8()..])
        }
        _ => false,
    }
}

fn ignored_by(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase();
    let fit = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, &name));
    IGNORED.iter().filter(|(_, patterns)| fit(patterns)).map(|(client, _)| *client).collect()
}

/// The reason why a system or client would not take a name.
fn refused(name: &str) -> Option<String> {
    let name = &*name.to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    let odd = |c: char| c.is_control() || "\"*:<>?/\\|#%&{}'`^".contains(c) || !c.is_ascii();
    let reserved = RESERVED.iter().find(|one| fits(one, name) || fits(one, stem));
    // eCryptfs takes the fewest bytes.
    match name {
        _ if name.find(odd).is_some() => Some("a character".to_owned()),
        _ if name.starts_with(' ') || name.ends_with([' ', '.']) => Some("an end".to_owned()),
        _ if name.len() > 143 => Some("its length".to_owned()),
        _ => reserved.map(|one| format!("the word {one}")),
    }
}

/// Names of stored files and key blocks: real ones, and those of extreme bytes.
fn stored() -> Vec<String> {
    let mut world = World::new(1);
    std::fs::write(world.source().join("noise"), vec![7; 300_000]).unwrap();
    world.backup();
    let mut names = world.sim.disk.paths();
    names.extend((0..=255).map(|byte| base32::encode(&[byte; 56])));
    assert!(names.len() > 259);
    names
}

#[test]
fn patterns_are_matched() {
    for (pattern, name) in [("*.tmp", "a.tmp"), ("com?", "com1"), ("*_vti_*", "x_vti_y")] {
        assert!(fits(pattern, name));
    }
    assert!(!fits("*.tmp", "a.tmpx") && !fits("com?", "com") && !fits("tmp", "tmpx"));
    assert!(ignored_by("~x.tmp").contains(&"Dropbox") && ignored_by("letter.odt").is_empty());
    let bad = ["con", "Aux.txt", "a.", "a ", " a", "a:b", "x_vti_y", ".lock", &*"a".repeat(144)];
    assert!(bad.iter().all(|name| refused(name).is_some()));
    // Eight digits of a hash are never uploaded by Box.
    assert_eq!(ignored_by("1234AD38"), ["Box"]);
}

#[test]
fn every_client_takes_the_names_of_stored_files() {
    for name in stored() {
        assert!(ignored_by(&name).is_empty(), "{name} is not uploaded by {:?}", ignored_by(&name));
        assert_eq!(refused(&name), None, "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
    }
}

#[test]
fn all_clients_but_syncthing_leave_half_written_files_alone() {
    for _ in 0..200 {
        let name = staging_name(&SystemRandom).unwrap();
        assert_eq!(refused(&name), None, "{name}");
        let clients = ignored_by(&name);
        let takes: Vec<_> =
            IGNORED.iter().map(|(client, _)| client).filter(|one| !clients.contains(one)).collect();
        // Its own names are the only ones that it does not carry, and it asks others not to use them.
        assert_eq!(takes, [&"Syncthing"], "{name}");
    }
}
