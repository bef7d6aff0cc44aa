//! A transcript: lines typed into the program at one place, with its output.

use std::process::{Command, Stdio};
use std::{io::Write, path::Path};

use crate::binary::{Place, Said, golden};
use crate::contract::steady::steady;
use crate::prepared::{keepmum, ready, sample};

/// The additions to the least config for a transcript.
pub(crate) const LAPTOP: &str = "device_name = laptop\n";

/// A place with a few files, a large one not among them, and one snapshot.
pub(crate) fn filled() -> Place {
    let place = ready(LAPTOP);
    sample(&place);
    place.file("source/photos/a.raw", "raw\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    place
}

/// The lines and outputs so far.
pub(crate) struct Transcript<'a> {
    place: &'a Place,
    text: String,
}

impl<'a> Transcript<'a> {
    /// Nothing yet.
    pub(crate) fn at(place: &'a Place) -> Self {
        Self { place, text: String::new() }
    }

    /// Describes the present state of the world.
    pub(crate) fn note(&mut self, sentence: &str) {
        self.text.push_str(&format!("# {sentence}\n"));
    }

    /// Types a line.
    pub(crate) fn run(&mut self, words: &str) -> Said {
        self.run_with(words, &[], None)
    }

    /// Types a line with variables set, and something on standard input. The place's path is
    /// written as `[PLACE]`.
    pub(crate) fn run_with(
        &mut self,
        words: &str,
        variables: &[(&str, &str)],
        input: Option<&str>,
    ) -> Said {
        let here = self.place.path("").display().to_string();
        let here = here.trim_end_matches('/');
        let there = |word: &str| word.replace("[PLACE]", here);
        let mut command = self.place.command(split(words).iter().map(|word| there(word)));
        for (name, value) in variables {
            command.env(name, there(value));
            self.text.push_str(&format!("{name}={value} "));
        }
        let given = input.map_or_else(String::new, |input| format!("printf {input:?} | "));
        let line = format!("$ {given}keepmum {words}");
        self.end(&line, &mut command, input)
    }

    /// Runs something that was made ready elsewhere.
    pub(crate) fn end(&mut self, line: &str, command: &mut Command, input: Option<&str>) -> Said {
        self.text.push_str(line);
        self.text.push('\n');
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(input) = input {
            // Who does not ask does not read, which is no matter here.
            child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        }
        let said = self.place.said(child.wait_with_output().unwrap());
        self.text.push_str(&steady(&said.stdout));
        if !said.stdout.is_empty() && !said.stdout.ends_with('\n') {
            self.text.push_str("<no end of line>\n");
        }
        for line in steady(&said.stderr).lines() {
            self.text.push_str(&format!("2> {line}\n"));
        }
        self.text.push_str(&format!("exit {}\n\n", said.code));
        said
    }

    /// Shows a file.
    pub(crate) fn show(&mut self, relative: &str) {
        let content = std::fs::read(self.place.path(relative)).unwrap();
        let content = String::from_utf8_lossy(&content).into_owned();
        let place = self.place.path("").display().to_string();
        let content = content.replace(place.trim_end_matches('/'), "[PLACE]");
        self.text.push_str(&format!(
            "$ cat {}\n{}\n\n",
            relative.replace(&place, "[PLACE]/"),
            content.trim_end()
        ));
    }

    /// All of it so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Compares it with the golden one.
    pub(crate) fn agrees(self, name: &str) {
        golden(Path::new("contract").join(name).to_str().unwrap(), &self.text);
    }
}

/// The words of a line; a quoted part is one word.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}
