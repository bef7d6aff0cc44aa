//! Problems of a config that only a look at the disk shows: for `config check`.

use super::place::{is_open, state_folder};
use super::{Environment, private};
use crate::config::{Config, PasswordIn, Remark};

/// Refusals and warnings that a run would give.
pub(crate) fn doubts(config: &Config, environment: &Environment) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let folder = config.db_path.clone().or_else(|| state_folder(environment).ok());
    if let Err(refused) = private::refuse(config, folder.as_deref()) {
        let said = refused.to_string();
        let file = format!("{}:", config.path.display());
        let (line, sentence) = said
            .strip_prefix(&file)
            .and_then(|rest| rest.split_once(": "))
            .map_or((None, said.as_str()), |(line, rest)| (line.parse().ok(), rest));
        remarks.push(Remark { line, is_error: true, sentence: sentence.to_owned() });
    }
    let mut warn = |line: Option<usize>, sentence: String| {
        remarks.push(Remark { line, is_error: false, sentence });
    };
    if config.holds_password() && is_open(&config.path) {
        let sentence = "the password is in this file, and others can read it; run `chmod 600`";
        warn(None, format!("{sentence} {}", config.path.display()));
    }
    if let Some(PasswordIn::File(file)) = &config.password {
        let line = config.lines.password_file.as_ref().map(|(line, _)| *line);
        let shown = file.display();
        if !file.exists() {
            warn(line, format!("there is no such file: {shown}"));
        } else if is_open(file) {
            warn(line, format!("others can read the password file; run `chmod 600 {shown}`"));
        }
    }
    if !config.destination.is_dir() {
        let sentence = "the destination does not exist or is not mounted";
        warn(
            Some(config.lines.destination),
            format!("{sentence}: {}", config.destination.display()),
        );
    }
    private::warnings(config, folder.as_deref()).into_iter().for_each(|said| warn(None, said));
    remarks
}
