//! Naming paths, restoring and comparing as a newcomer does, at three widths.

use std::fs;

use crate::binary::Place;
use crate::contract::transcript::Transcript;
use crate::prepared::ready;

/// A place that is a home, with two folders that are backed up twice: in between a letter is
/// deleted.
fn home() -> Place {
    let place = ready("device_name = laptop\n");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let roots = "to_backup = ~/Documents\n  ~/Photos\n";
    let begin = config.find("to_backup").unwrap();
    let end = begin + config[begin..].find('\n').unwrap() + 1;
    place.file("config.ini", format!("{}{roots}{}", &config[..begin], &config[end..]));
    for number in 0..4 {
        place.file(&format!("Documents/letter-0{number}.odt"), "Dear Anna,\n".repeat(number + 1));
        place.file(&format!("Photos/IMG_{number}.jpg"), "raw".repeat(100 * (number + 1)));
    }
    place.file("Documents/notes/a*b.txt", "star\n");
    place.file("Documents/notes/[x].txt", "bracket\n");
    place.file("Documents/notes/10:30.txt", "colon\n");
    place.file("Documents/notes/~.txt", "tilde\n");
    backup(&place);
    fs::remove_file(place.path("Documents/letter-01.odt")).unwrap();
    backup(&place);
    place
}

fn backup(place: &Place) {
    let mut command = crate::prepared::command(place, ["backup", "-q"]);
    let said = place.said(command.env("HOME", place.path("")).output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
}

/// Types lines at a width, in the home; what they say fits it, but for paths and commands.
fn at_width(place: &Place, width: usize, lines: &[&str], name: &str) {
    let mut transcript = Transcript::at(place);
    let columns = width.to_string();
    let variables =
        [("COLUMNS", columns.as_str()), ("HOME", "[PLACE]"), ("KEEPMUM_CONFIG", "config.ini")];
    for line in lines {
        if let Some(note) = line.strip_prefix("# ") {
            transcript.note(note);
            change(place, note);
            continue;
        }
        let said = transcript.run_with(line, &variables, None);
        for text in said.stdout.lines().chain(said.stderr.lines()) {
            let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
            let is_path = |word: &&str| word.contains('/') || word.contains(".odt");
            let is_one_path = words.iter().any(is_path) && words.len() <= 4;
            let fits = text.chars().count() <= width || is_one_path || line.starts_with("ls -l");
            assert!(fits || line.starts_with("diff"), "{width}: {line}: {text}");
        }
    }
    transcript.agrees(&format!("{name}-{width}.txt"));
}

/// What a note in a transcript says has happened.
fn change(place: &Place, note: &str) {
    match note {
        "a letter is deleted" => {
            fs::remove_file(place.path("Documents/letter-00.odt")).unwrap();
        }
        "a letter is written on" => {
            place.file("Documents/letter-02.odt", "mine\n");
        }
        "photos are put into a folder" => {
            fs::create_dir(place.path("Photos/2026")).unwrap();
            for number in 0..4 {
                let name = format!("IMG_{number}.jpg");
                let to = place.path("Photos/2026").join(&name);
                fs::rename(place.path("Photos").join(&name), to).unwrap();
            }
        }
        "a folder is renamed" => {
            fs::rename(place.path("Documents/notes"), place.path("Documents/remarks")).unwrap();
        }
        other => panic!("{other}"),
    }
}

const WIDTHS: [usize; 3] = [60, 80, 120];

#[test]
fn paths_are_found_as_they_are_typed() {
    let lines = [
        "ls",
        "ls -l",
        "ls ~/Documents",
        "ls -l ~/Documents",
        "ls -R latest:~/Documents/notes",
        "ls Documents/letter-02.odt",
        "ls IMG_1.jpg",
        "ls latest:~/documents",
        "ls ~/Documents/lettr-02.odt",
        "ls letter-01.odt",
        "ls ~/Documents/no-such-thing",
        "ls ~/Documents/letter-0*",
        "ls ~/Documents/**/*.txt",
        "ls ~/Documents/notes/a*b.txt",
        "ls ~/Documents/notes/[x].txt",
        "ls ~/Documents/notes/10:30.txt",
        "ls ~/Documents/notes/~.txt",
        "ls ~/Documents/*.pdf",
        "ls /etc/passwd",
        "ls C:\\Users\\anna",
        "ls file:///home/anna",
        "ls lates",
        "ls abc",
        "ls latest~1 ~/Documents/letter-01.odt",
        "ls --at now ~/Photos",
        "ls latest:~/Photos latest~1:~/Documents",
    ];
    let place = home();
    for width in WIDTHS {
        at_width(&place, width, &lines, "paths");
    }
}

#[test]
fn a_restore_says_from_where_and_where_to() {
    for width in WIDTHS {
        let lines = [
            "# a letter is deleted",
            "restore -n -v ~/Documents",
            "restore ~/Documents",
            "restore ~/Documents",
            "# a letter is written on",
            "restore ~/Documents -n -v",
            "restore ~/Documents",
            "restore ~/Documents --overwrite if-changed -v",
            "restore latest~1:letter-01.odt --target back",
            "restore ~/Documents --target back",
            "restore ~/Documents/letter-0* ~/Photos/IMG_1.jpg --target several",
            "restore --target .",
            "restore ~/Documents/letter-01.odt",
            "restore ~/Documents ~/Photos --delete",
        ];
        at_width(&home(), width, &lines, "restoring");
    }
}

#[test]
fn a_comparison_shows_moves_as_moves() {
    for width in WIDTHS {
        let lines = [
            "diff latest~1 latest",
            "# photos are put into a folder",
            "# a folder is renamed",
            "diff latest",
            "diff -v latest",
            "diff latest latest",
            "diff latest:~/Documents",
            "diff ~/Documents",
        ];
        at_width(&home(), width, &lines, "moves");
    }
}
