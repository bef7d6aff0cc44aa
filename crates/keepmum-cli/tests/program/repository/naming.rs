//! Paths as they are typed: names that look like something else, several paths, patterns.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::binary::{Place, Said};
use crate::prepared::{keepmum, ready};

/// Names that a shell, this program or a terminal could take for something else.
fn names() -> Vec<OsString> {
    let long = "é".repeat(127) + "x";
    let names: [&[u8]; 16] = [
        b"a:b",
        b"latest",
        b"latest~1",
        b"~",
        b"~anna",
        b"*",
        b"a*b?",
        b"[x]",
        b"[x",
        b"back\\slash",
        b"new\nline",
        b"\x1b[31m",
        b"\xff\xfe",
        b"-n",
        b" ",
        long.as_bytes(),
    ];
    names.map(|name| OsString::from_vec(name.to_vec())).into()
}

/// A source with a file of each name in a folder of that name.
fn hostile() -> Place {
    let place = ready("");
    for name in names() {
        let folder = place.path("source").join(&name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(&name), name.as_bytes()).unwrap();
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    place
}

/// Types words in a folder of the place.
fn within(place: &Place, folder: &str, words: &[&OsStr]) -> Said {
    let mut command = place.command(words);
    command.current_dir(place.path(folder)).env("KEEPMUM_CONFIG", place.path("config.ini"));
    place.said(command.output().unwrap())
}

#[test]
fn any_name_can_be_named_in_each_way() {
    let place = hostile();
    let source = place.path("source");
    for name in names() {
        let bytes = name.as_bytes();
        let relative = OsString::from_vec([b"./", bytes, b"/", bytes].concat());
        let absolute = source.join(&name).join(&name).into_os_string();
        let colon = OsString::from_vec([b"latest:", absolute.as_bytes()].concat());
        for path in [&relative, &absolute, &colon] {
            let dump = OsStr::new("dump");
            let said = within(&place, "source", &[dump, path]);
            assert_eq!(said.code, 0, "{path:?}: {said:?}");
            assert_eq!(said.stdout, String::from_utf8_lossy(name.as_bytes()), "{path:?}");
            let out = place.folder("out");
            let restore = OsStr::new("restore");
            let target = [OsStr::new("-t"), out.as_os_str()];
            let said = within(&place, "source", &[restore, path, target[0], target[1]]);
            assert_eq!(said.code, 0, "{path:?}: {said:?}");
            assert_eq!(fs::read(out.join(&name)).unwrap(), name.as_bytes(), "{path:?}");
            assert!(!said.stderr.contains('\x1b'), "{said:?}");
            fs::remove_dir_all(out).unwrap();
        }
    }
}

#[test]
fn several_paths_and_patterns_get_their_own_names_in_a_target() {
    let place = ready("");
    for (path, content) in [("a/x.odt", "ax"), ("a/y.odt", "ay"), ("a/z", "az"), ("b/x.odt", "bx")]
    {
        place.file(&format!("source/{path}"), content);
    }
    fs::hard_link(place.path("source/a/x.odt"), place.path("source/a/linked.odt")).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let source = place.path("source").display().to_string();
    let run = |words: &[&str]| {
        keepmum(&place, words.iter().map(|w| w.replace("S/", &format!("{source}/"))))
    };
    let tree = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(place.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(run(&["restore", "S/a/*.odt", "S/b", "-t", "one"]).code, 0);
    assert_eq!(tree("one"), ["b", "linked.odt", "x.odt", "y.odt"]);
    assert_eq!(fs::read(place.path("one/b/x.odt")).unwrap(), b"bx");
    use std::os::unix::fs::MetadataExt;
    let inode = |name: &str| fs::metadata(place.path(name)).unwrap().ino();
    assert_eq!(inode("one/x.odt"), inode("one/linked.odt"), "names of one file are that again");
    // Run again, nothing is written; a folder that holds another of the paths is enough.
    let again = run(&["restore", "S/b/x.odt", "S/b", "S/a/*.odt", "-t", "one"]);
    assert!(again.stdout.starts_with("Nothing to restore"), "{again:?}");
    let twice = run(&["restore", "S/a/x.odt", "S/b/x.odt", "-t", "two"]);
    assert_eq!(twice.code, 1, "{twice:?}");
    assert!(twice.stderr.contains("several of these paths end in \"x.odt\""), "{twice:?}");
    assert!(!place.path("two").exists());
    // Back to where they were, no two are in each other's way.
    fs::remove_dir_all(place.path("source/b")).unwrap();
    fs::remove_file(place.path("source/a/x.odt")).unwrap();
    fs::remove_file(place.path("source/a/z")).unwrap();
    assert_eq!(run(&["restore", "S/a/x.odt", "S/b/x.odt"]).code, 0);
    assert!(place.path("source/a/x.odt").exists() && place.path("source/b/x.odt").exists());
    assert!(!place.path("source/a/z").exists(), "what was not named came back");
    // Where one path is missing, nothing is written.
    let missing = run(&["restore", "S/a", "S/nothing", "-t", "three"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(!place.path("three").exists());
    let listed = run(&["ls", "S/**/x.odt"]);
    assert_eq!(listed.stdout.lines().count(), 2, "{listed:?}");
    assert_eq!(run(&["dump", "S/a/*.odt"]).code, 1);
    assert_eq!(run(&["dump", "S/a/z*"]).stdout, "az");
    assert_eq!(run(&["ls", "S/a/[", "-q"]).code, 1);
}

#[test]
fn the_current_folder_counts_also_by_the_name_that_the_shell_has_for_it() {
    let place = ready("");
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    std::os::unix::fs::symlink("source", place.path("way")).unwrap();
    let words = |path: &'static str| [OsStr::new("dump"), OsStr::new(path)];
    for (folder, path) in [
        ("source", "letter.txt"),
        ("way", "letter.txt"),
        ("db", "letter.txt"),
        ("", "source/letter.txt"),
        ("", "way/letter.txt"),
        ("source", "../source/./letter.txt"),
    ] {
        let said = within(&place, folder, &words(path));
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (0, "Dear Anna,\n"),
            "{folder} {path}: {said:?}"
        );
    }
    let gone = within(&place, "", &words("source/lost.txt"));
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(gone.stderr.contains("`keepmum ls"), "{gone:?}");
}

#[test]
fn a_home_of_another_computer_is_found() {
    let place = ready("");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    assert!(config.contains("to_backup"));
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let run = |home: Option<&str>| {
        let mut command = place.command(["ls", "~/source", "--from", "destination"]);
        command.env("KEEPMUM_PASSWORD", crate::prepared::PASSWORD);
        match home {
            Some(home) => command.env("HOME", place.path(home)),
            None => command.env_remove("HOME"),
        };
        place.said(command.output().unwrap())
    };
    assert_eq!(run(Some("")).stdout, "letter.txt\n");
    let none = run(None);
    assert_eq!(none.code, 1, "{none:?}");
    assert!(none.stderr.contains("HOME is not set"), "{none:?}");
}

#[test]
fn a_wildcard_counts_only_in_what_was_typed() {
    let place = ready("");
    for folder in ["we*rd", "weXXrd"] {
        for name in ["n1.txt", "deep/n1.txt"] {
            place.file(&format!("source/{folder}/{name}"), format!("{folder} {name}\n"));
        }
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let words = |words: &'static [&'static str]| words.iter().map(|word| OsStr::new(*word));
    let within = |folder: &str, typed: &'static [&'static str]| {
        within(&place, folder, &words(typed).collect::<Vec<_>>())
    };
    let listed = within("source/we*rd", &["ls", "n?.txt"]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, 1), "{listed:?}");
    assert!(listed.stdout.contains("/we*rd/n1.txt"), "{listed:?}");
    let dumped = within("source/we*rd", &["dump", "d*/n?.txt"]);
    assert_eq!((dumped.code, dumped.stdout.as_str()), (0, "we*rd deep/n1.txt\n"), "{dumped:?}");
    let dumped = within("source/weXXrd", &["dump", "../we?rd/n?.txt"]);
    assert_eq!((dumped.code, dumped.stdout.as_str()), (0, "we*rd n1.txt\n"), "{dumped:?}");
    for folder in ["we*rd", "weXXrd"] {
        place.file(&format!("source/{folder}/n1.txt"), "MINE");
    }
    let restored = within("source/we*rd", &["restore", "n?.txt", "--overwrite", "always"]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let read = |path: &str| fs::read_to_string(place.path(path)).unwrap();
    assert_eq!(read("source/we*rd/n1.txt"), "we*rd n1.txt\n");
    assert_eq!(read("source/weXXrd/n1.txt"), "MINE", "a file that nobody named was replaced");
}
