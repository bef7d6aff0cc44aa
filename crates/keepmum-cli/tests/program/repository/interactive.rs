//! At a terminal, where a person is asked and shown what no pipe gets.

use std::os::unix::fs::PermissionsExt;
use std::{fs, thread, time::Duration};

use crate::binary::{Place, Said};
use crate::prepared::{filled, recovery_code};
use crate::setup::screen::{STOP, Screen};

/// Runs the program at a terminal and types these lines. Nothing where there is no `script`.
fn typing(place: &Place, words: &str, lines: &[&str]) -> Option<Said> {
    let words = match words.strip_prefix("SHELL ") {
        Some(script) => script.to_owned(),
        None => format!("keepmum {words}"),
    };
    let mut screen = Screen::open(place, &words)?;
    for line in lines {
        // A person types only after the question is there, and stops a key that is being made long
        // before its end.
        thread::sleep(Duration::from_millis(300));
        match *line {
            STOP => screen.press(STOP),
            line => screen.press(&format!("{line}\n")),
        };
    }
    Some(screen.end(place))
}

#[test]
fn init_asks_for_what_it_needs() {
    let place = Place::new();
    place.file("documents/letter.txt", "Dear Anna,\n");
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    screen
        .answer("Folder to back up: ", "nowhere")
        .answer("Folder to back up: ", "documents")
        .answer("Another folder (Enter: no more): ", "")
        .answer("Leave them out? [Y/n] ", "")
        .answer("Where should the backup go?", "documents/inside")
        .answer("Make it? [Y/n] ", "n")
        .answer("Where should the backup go?", "synced")
        .answer("Make it? [Y/n] ", "y")
        .answer("press Enter to choose your own: ", "")
        .answer("Choose a password: ", "pass")
        .answer("Repeat password: ", "pass")
        .answer("Use it all the same? [y/N] ", "y")
        .answer("Name of this computer [", "laptop")
        .answer("Write this? [Y/n] ", "");
    // Whoever does not have the code is asked again, and may go on without.
    screen.answer("last four characters", "none").answer("last four characters", "");
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    for sentence in [
        "[PLACE]/nowhere does not exist.",
        "[PLACE]/synced does not exist. Make it? [Y/n]",
        "with the password; only your account can read it",
        "The repository is made.",
        "Nothing is backed up yet. Start with: `keepmum backup`",
        "This is the recovery code. It opens the backup if you forget the password.",
        "You have confirmed no recovery code yet;",
        "\u{2588}",
    ] {
        assert!(said.stdout.contains(sentence), "{sentence}: {}", said.stdout);
    }
    assert_eq!(said.stdout.matches("confirmed").count(), 1, "said once: {}", said.stdout);
    let config = place.path("home/.config/keepmum/config.ini");
    assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("\npassword = pass\n"), "{text}");
    let code = said.stdout.find("whoever has both can read everything").unwrap();
    assert!(said.stdout.rfind('\u{2588}').unwrap() < code, "the picture comes first");
    let backup = place.run(["backup"]);
    assert_eq!(backup.code, 0, "{backup:?}");
    assert!(backup.stderr.contains("recovery code"), "a run says that none was confirmed");
    assert!(place.run(["ls", "-R"]).stdout.contains("documents/letter.txt\n"));
}

#[test]
fn a_password_is_asked_for_where_none_is_given() {
    let place = filled();
    let Some(said) = typing(&place, "snapshots --from destination", &[recovery_code()]) else {
        return;
    };
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.starts_with("Password: "), "{said:?}");
    assert!(said.stdout.contains("complete"), "{said:?}");
    assert!(!said.stdout.contains(&recovery_code()[..9]), "what is typed is not shown");
}

/// Types the last group of the code that the terminal shows.
#[test]
fn a_recovery_code_counts_as_shown_once_its_end_was_typed() {
    let place = filled();
    let Some(mut screen) = Screen::open(&place, "keepmum key recovery -c config.ini") else {
        return;
    };
    screen.answer("Make a new recovery code? [y/N] ", "y");
    let shown = screen.wait("last four characters");
    let code = |line: &&str| line.trim().len() == 44 && line.matches('-').count() == 8;
    let code = shown.lines().find(code).unwrap().trim().to_owned();
    screen.answer(": ", &code[40..].to_uppercase());
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    let made = "A new recovery code was made. The old one no longer works.";
    assert!(said.stdout.contains(made) && !said.stdout.contains("not confirmed"), "{said:?}");
    for (code, opens) in [(code.as_str(), 0), (recovery_code(), 2)] {
        let mut list = place.command(["key", "list", "--from", "destination"]);
        let said = place.said(list.env("KEEPMUM_PASSWORD", code).output().unwrap());
        assert_eq!(said.code, opens, "{said:?}");
    }
}

#[test]
fn a_question_that_is_left_leaves_the_terminal_as_it_was() {
    let place = filled();
    for words in ["snapshots --from destination", "init -c new.ini"] {
        let script = format!("SHELL trap : INT; keepmum {words}; echo \"code $?\"; stty -a");
        let Some(said) = typing(&place, &script, &[STOP]) else { return };
        assert!(said.stdout.contains("code 130"), "{words}: {said:?}");
        assert!(said.stdout.contains("stopped before the work began"), "{words}: {said:?}");
        let shows = said.stdout.split_whitespace().any(|word| word == "echo");
        assert!(shows, "{words}: what is typed is not shown any more: {said:?}");
    }
    assert!(!place.path("new.ini").exists());
}

#[test]
fn names_cannot_play_tricks_on_a_terminal() {
    let place = filled();
    place.file("source/evil\x1b]0;title\x07\n\u{202e}name", "x");
    let Some(said) = typing(&place, "backup -c config.ini -v", &[]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let shown = "/source/evil\\x1b]0;title\\x07\\n\\u{202e}name";
    assert!(said.stdout.contains(shown), "{said:?}");
    let Some(said) = typing(&place, "ls -R -c config.ini", &[]) else { return };
    assert!(said.stdout.contains(shown), "{said:?}");
    assert!(!said.stdout.contains("\x1b]0"), "{said:?}");
}

#[test]
fn what_is_newer_in_the_target_is_asked_about() {
    let place = filled();
    for name in ["letter.txt", "photos/b.txt", "photos/a.raw", "empty"] {
        place.file(&format!("out/{name}"), "MINE");
    }
    let what = format!("latest:{}", place.path("source").display());
    let words = format!("restore {what} -t out -c config.ini");
    let read = |path: &str| fs::read_to_string(place.path(path)).unwrap();
    // In the order of the tree: empty, letter.txt, photos/a.raw, photos/b.txt.
    let answers = ["nonsense", "keep", "b", "Y ALL"];
    let Some(said) = typing(&place, &words, &answers) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let question = "[PLACE]/out/letter.txt is newer here than in the backup";
    assert!(said.stdout.contains(question), "{said:?}");
    assert_eq!(said.stdout.matches("Overwrite? [y]es / [k]eep mine / [b]oth").count(), 4);
    assert!(said.stdout.contains(", 2 kept. "), "{said:?}");
    assert_eq!((read("out/empty"), read("out/letter.txt")), ("MINE".into(), "MINE".into()));
    assert_eq!(read("out/photos/b.txt"), "b\n");
    let beside = fs::read_dir(place.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut beside =
        beside.filter(|name| name.to_string_lossy().starts_with("letter.txt.restored-"));
    let beside = beside.next().unwrap().into_string().unwrap();
    assert_eq!(read(&format!("out/{beside}")), "Dear Anna,\n");
    // Who does not want to answer may stop.
    let Some(said) = typing(&place, &words, &[STOP]) else { return };
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(read("out/empty"), "MINE");
}

#[test]
fn a_restore_at_a_terminal_says_what_it_does_and_shows_the_home_as_a_tilde() {
    let place = filled();
    let source = place.path("source");
    let home = place.path("");
    let typed = |words: &str, answers: &[&str]| {
        let script = format!("SHELL HOME={} keepmum {words} -c config.ini", home.display());
        typing(&place, &script, answers)
    };
    let Some(said) = typed("restore '~/source/letter.txt' -t .", &[]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Restoring ~/source/letter.txt from "), "{said:?}");
    assert!(said.stdout.contains("Restored 1 file (11 B) to ~ from "), "{said:?}");
    let Some(said) = typed("restore -n -v 'latest:~/source/photos'", &[]) else { return };
    assert!(said.stdout.contains("Would restore ~/source/photos from "), "{said:?}");
    assert!(said.stdout.contains("Nothing to restore to ~/source/photos from "), "{said:?}");
    assert!(!said.stdout.contains("Restored"), "{said:?}");
    fs::write(source.join("letter.txt"), "newer, and mine\n").unwrap();
    let Some(said) = typed("restore '~/source'", &["k"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("~/source/letter.txt is newer here than in"), "{said:?}");
    assert_eq!(fs::read_to_string(source.join("letter.txt")).unwrap(), "newer, and mine\n");
}

#[test]
fn a_listing_at_a_terminal_begins_with_the_roots_and_how_much_is_in_them() {
    let place = filled();
    let home = place.path("");
    let script = format!("SHELL HOME={} keepmum ls -c config.ini", home.display());
    let Some(said) = typing(&place, &script, &[]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let mut lines = said.stdout.lines();
    assert!(lines.next().unwrap().starts_with("Snapshot "), "{said:?}");
    // The progress line is wiped away before it.
    let line = lines.next().unwrap_or_default();
    assert!(line.ends_with("~/source/  4 files  293 KiB"), "{said:?}");
}

#[test]
fn dump_never_writes_to_a_terminal() {
    let place = filled();
    let what = format!("latest:{}/letter.txt", place.path("source").display());
    for output in ["", "-o -"] {
        let words = format!("dump {what} {output} -c config.ini");
        let Some(said) = typing(&place, &words, &[]) else { return };
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stdout.contains("Use `> FILE` or -o FILE"), "{said:?}");
        assert!(!said.stdout.contains("Dear"), "{said:?}");
    }
    let script = format!("SHELL keepmum dump {what} -c config.ini > letter; cat letter");
    let Some(said) = typing(&place, &script, &[]) else { return };
    assert_eq!((said.code, said.stdout.trim()), (0, "Dear Anna,"), "{said:?}");
}

/// The names beside a restored file that begin with these.
fn beside(place: &Place, begin: &str) -> Vec<String> {
    let names = fs::read_dir(place.path("out")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(begin)).collect();
    names.sort();
    names
}

#[test]
fn a_copy_that_was_worked_on_survives_the_next_one_and_a_deletion() {
    let place = filled();
    place.file("out/letter.txt", "MINE");
    let what = format!("latest:{}", place.path("source").display());
    let restore = |further: &str, answers: &[&str]| {
        typing(&place, &format!("restore {what} -t out -c config.ini {further}"), answers)
    };
    let Some(said) = restore("", &["b"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let first = beside(&place, "letter.txt.restored-");
    assert_eq!(first.len(), 1, "{first:?}");
    place.file(&format!("out/{}", first[0]), "MY WORK");
    let Some(said) = restore("", &["b"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let second = format!("{}-2", first[0]);
    assert_eq!(beside(&place, "letter.txt.restored-"), [first[0].clone(), second.clone()]);
    let read = |name: &str| fs::read_to_string(place.path("out").join(name)).unwrap();
    assert_eq!((read(&first[0]).as_str(), read(&second).as_str()), ("MY WORK", "Dear Anna,\n"));
    assert!(said.stdout.contains(&second), "it says where it is: {said:?}");
    // Once more, the copy that is right is enough.
    let Some(said) = restore("", &["b"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(beside(&place, "letter.txt.restored-").len(), 2);
    place.file("out/surplus", "x");
    let Some(said) = restore("--delete", &["k"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!place.path("out/surplus").exists(), "{said:?}");
    assert_eq!(beside(&place, "letter.txt.restored-"), [first[0].clone(), second]);
    assert_eq!(read(&first[0]), "MY WORK");
}
