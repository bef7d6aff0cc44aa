//! Whoever leaves `init` at a question leaves nothing behind.

use super::screen::{END, STOP, Screen};
use crate::binary::Place;

/// The questions of a new repository up to the last one, with their answers.
const CONVERSATION: [(&str, &str); 7] = [
    ("Folder to back up: ", "1"),
    ("Another folder (Enter: no more): ", ""),
    ("Leave them out? [Y/n] ", ""),
    ("Where should the backup go?", "~/new/synced"),
    ("Make it? [Y/n] ", "y"),
    ("press Enter to choose your own: ", "1"),
    ("Name of this computer [", "laptop"),
];

/// Leaves by these keys after so many answers, at this question.
#[track_caller]
fn left(keys: &str, answers: usize, question: &str, code: i32) {
    let place = Place::new();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    let Some(mut screen) = Screen::open(&place, "trap : INT; NO_COLOR=1 keepmum init") else {
        return;
    };
    for (question, answer) in &CONVERSATION[..answers] {
        screen.answer(question, answer);
    }
    screen.wait(question);
    screen.press(keys);
    let said = screen.end(&place);
    assert_eq!(said.code, code, "{said:?}");
    let home: Vec<_> = std::fs::read_dir(place.path("home")).unwrap().collect();
    assert_eq!(home.len(), 1, "something was left: {home:?}");
    let has_own_line = said.stdout.lines().any(|line| line.starts_with("keepmum: "));
    assert!(has_own_line, "the end begins a line of its own: {said:?}");
}

#[test]
fn ctrl_c_at_the_first_question_leaves_nothing() {
    left(STOP, 0, "Folder to back up: ", 130);
}

#[test]
fn ctrl_c_at_the_last_question_leaves_nothing() {
    left(STOP, 7, "Write this? [Y/n] ", 130);
}

#[test]
fn ctrl_c_at_the_choice_of_a_password_leaves_nothing() {
    left(STOP, 5, "press Enter to choose your own: ", 130);
}

/// The passphrase that was taken stands nowhere else.
#[test]
fn a_failure_after_the_repository_was_made_keeps_the_config_with_its_password() {
    let place = Place::new();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    for (question, answer) in &CONVERSATION {
        screen.answer(question, answer);
    }
    screen.answer("Write this? [Y/n] ", "y");
    screen.wait("(Enter skips): ");
    // The disk of the destination goes while the question stands there.
    let (there, away) = (place.path("home/new/synced"), place.path("away"));
    std::fs::rename(&there, &away).unwrap();
    screen.press("\n");
    let said = screen.end(&place);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stdout.contains("The repository was made before that. Its password is in "));
    std::fs::rename(&away, &there).unwrap();
    assert_eq!(place.run(["backup", "-q"]).code, 0, "{said:?}");
}

#[test]
fn the_end_of_the_input_at_the_first_question_leaves_nothing() {
    left(END, 0, "Folder to back up: ", 1);
}

#[test]
fn the_end_of_the_input_at_the_last_question_leaves_nothing() {
    left(END, 7, "Write this? [Y/n] ", 1);
}
