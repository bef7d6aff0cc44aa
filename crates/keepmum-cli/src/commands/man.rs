//! `man`: opens a page of the manual, or prints it in the form that `man` reads.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Session;
use crate::args::{self, ManArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::manual::{Page, config, pages};

/// Shows the page that was asked for.
pub(crate) fn run(args: &ManArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let (name, number, page) = page_of(&args.page)?;
    let roff = page.roff(&name, number);
    if !session.terminal.person_reads || !opened(&roff) {
        let text = if session.terminal.person_reads { page.plain(args::width()) } else { roff };
        session.terminal.write(text.as_bytes())?;
    }
    Ok(ExitCode::Done)
}

/// The page that these words name, as people write it: `restore`, `keepmum-restore`, `key add`,
/// `5 keepmum-config`.
fn page_of(words: &[String]) -> Result<(String, u8, Page), Failure> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = words.first().and_then(|word| word.parse::<u8>().ok());
    if number.is_some() {
        words.remove(0);
    }
    let word = words.first().copied().unwrap_or("keepmum");
    let word = word.strip_suffix("(1)").or(word.strip_suffix("(5)")).unwrap_or(word);
    match word.strip_prefix("keepmum-").unwrap_or(word) {
        "keepmum" => Ok(("keepmum".to_owned(), 1, pages::program())),
        "config" if number != Some(1) => Ok(("keepmum-config".to_owned(), 5, config::manual())),
        word => {
            let program = args::program();
            let command = program.find_subcommand(word);
            let command = command.ok_or_else(|| args::unknown_command("", word))?;
            Ok((format!("keepmum-{word}"), 1, pages::command(word, command)))
        }
    }
}

/// Whether `man` showed it.
fn opened(roff: &str) -> bool {
    let started = Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn();
    let Ok(mut man) = started else { return false };
    if let Some(mut page) = man.stdin.take() {
        // Whoever leaves early has seen enough.
        page.write_all(roff.as_bytes()).ok();
    }
    man.wait().is_ok_and(|ended| ended.success())
}
