//! At a terminal: `script` gives the program one, and types the lines written to it.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::{fs, thread, time::Duration};

use crate::binary::{Place, Said, hearing};
use crate::prepared::{filled, recovery_code};

/// Keys that a terminal turns into a signal.
const CTRL_C: &str = "\x03";

/// Runs the program at a terminal and types these lines. Nothing where there is no `script`.
fn typing(place: &Place, words: &str, lines: &[&str]) -> Option<Said> {
    let program = place.command([""]);
    let mut command = Command::new("script");
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: there is no script here");
        return None;
    }
    command.args(["-q", "-e", "-c"]);
    let program_name = program.get_program().to_str().unwrap();
    command.arg(match words.strip_prefix("SHELL ") {
        Some(script) => script.replace("keepmum", &format!("'{program_name}'")),
        None => format!("'{program_name}' {words}"),
    });
    command.arg("/dev/null").current_dir(place.path("")).env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("TERM", "xterm");
    let mut command = hearing(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    for line in lines {
        if *line == CTRL_C {
            // Long enough for the question, and for a key that is being made to be far from done.
            thread::sleep(Duration::from_millis(500));
            keyboard.write_all(CTRL_C.as_bytes()).unwrap();
            continue;
        }
        // A person types only after the question is there.
        thread::sleep(Duration::from_millis(300));
        writeln!(keyboard, "{line}").unwrap();
    }
    Some(place.said(child.wait_with_output().unwrap()))
}

#[test]
fn init_asks_for_what_it_needs() {
    let place = Place::new();
    place.file("documents/letter.txt", "Dear Anna,\n");
    // Whoever does not have the code is asked three times.
    let answers = ["nowhere", "documents", "documents/inside", "n", "synced", "y", "pass", "pass"];
    let answers: Vec<_> = answers.into_iter().chain(["", "none", "x"]).collect();
    let Some(said) = typing(&place, "init", &answers) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    for sentence in [
        "There is no config yet; it will be [PLACE]/home/.config/keepmum/config.ini",
        "[PLACE]/nowhere is not there.",
        "[PLACE]/synced is not there. Make it [y/N]? ",
        "The password will stand in that file, which only you can read.",
        "The repository is made.",
        "`keepmum backup` now saves into [PLACE]/synced",
        "The recovery code opens the repository when the password is lost.",
        "type its last four characters: ",
        "\u{2588}",
    ] {
        assert!(said.stdout.contains(sentence), "{sentence}: {}", said.stdout);
    }
    let config = place.path("home/.config/keepmum/config.ini");
    assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("\npassword = pass\n"), "{text}");
    let code = said.stdout.find("the destination can read every backup").unwrap();
    assert!(said.stdout.rfind('\u{2588}').unwrap() < code, "the picture comes first");
    let unseen = "No recovery code of this repository was shown; `keepmum key recovery` makes one.";
    assert!(said.stdout.contains(unseen), "{}", said.stdout);
    let backup = place.run(["backup"]);
    assert_eq!((backup.code, backup.stderr), (0, format!("{unseen}\n")));
    assert!(place.run(["ls", "-R"]).stdout.contains("/documents/letter.txt\n"));
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
    let program = place.command([""]);
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c"]);
    let name = program.get_program().to_str().unwrap();
    command.arg(format!("'{name}' key recovery -c config.ini")).arg("/dev/null");
    command.current_dir(place.path("")).env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut command = hearing(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: there is no script here");
        return;
    };
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("last four characters: ") {
        let mut more = [0; 1024];
        let length = screen.read(&mut more).unwrap();
        assert!(length > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&more[..length]));
    }
    let code = |line: &&str| line.trim().len() == 44 && line.matches('-').count() == 8;
    let code = shown.lines().find(code).unwrap().trim().to_owned();
    writeln!(keyboard, "{}", code[40..].to_uppercase()).unwrap();
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("removed: slot ") && !rest.contains("not confirmed"), "{rest}");
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
        let Some(said) = typing(&place, &script, &[CTRL_C]) else { return };
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
    let Some(said) = typing(&place, &words, &[CTRL_C]) else { return };
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
