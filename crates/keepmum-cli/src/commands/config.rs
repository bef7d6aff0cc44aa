//! `config`: the settings that hold and their origin, and everything that is wrong with them.

use std::path::Path;

use serde::Serialize;

use super::Session;
use crate::args::ConfigVerb;
use crate::config::{Config, Remark, Review, words};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{config_path, doubts, source_name, state_folder};
use crate::terminal::look::{Look, Tone};
use crate::terminal::{json, text};

/// Shows or checks the config.
pub(crate) fn run(verb: &ConfigVerb, session: &Session<'_>) -> Result<ExitCode, Failure> {
    if session.shared.from.is_some() {
        return Err(Failure::usage("--from uses no config").next("leave --from out"));
    }
    let path = config_path(session.shared, session.environment)?;
    let review = Review::of(&path, session.environment.around())?;
    match verb {
        ConfigVerb::Show => show(&review, session),
        ConfigVerb::Check => check(&review, session),
    }
}

/// A setting that holds.
#[derive(Debug, Serialize)]
struct Setting {
    section: &'static str,
    key: &'static str,
    value: String,
    /// `line`, `default`, or the name of an option or variable.
    from: String,
    line: Option<usize>,
}

/// The document of `config show`.
#[derive(Serialize)]
struct Shown {
    config: String,
    settings: Vec<Setting>,
}

fn show(review: &Review, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let Some(config) = &review.config else {
        let first = review.remarks.iter().find(|remark| remark.is_error);
        let line =
            first.and_then(|remark| remark.line).map_or_else(String::new, |n| format!(":{n}"));
        let sentence = first.map_or("it cannot be used", |remark| remark.sentence.as_str());
        let message = format!("{}{line}: {sentence}", review.path.display());
        return Err(Failure::config(message).next("`keepmum config check` names every problem"));
    };
    let settings = settings(review, config, session);
    if session.terminal.json {
        let config = review.path.display().to_string();
        json::document(session.terminal, &Shown { config, settings })?;
        return Ok(ExitCode::Done);
    }
    let mut page = format!("Config: {}\n", text::line(&review.path.display().to_string()));
    let width = settings.iter().map(|one| origin(one).chars().count()).max().unwrap_or(0);
    let (mut section, mut before) = ("", "");
    for one in &settings {
        if one.section != section {
            page.push_str(&format!("\n[{}]\n", one.section));
        }
        let is_further = one.key == before && one.section == section;
        let key = if is_further { String::new() } else { format!("{} =", one.key) };
        let indent = one.key.chars().count() + 2;
        (section, before) = (one.section, one.key);
        page.push_str(&format!("{:width$}  {key:indent$} {}\n", origin(one), one.value));
    }
    session.terminal.write(page.as_bytes())?;
    Ok(ExitCode::Done)
}

fn origin(setting: &Setting) -> String {
    match setting.line {
        Some(line) => format!("line {line}"),
        None => setting.from.clone(),
    }
}

fn settings(review: &Review, config: &Config, session: &Session<'_>) -> Vec<Setting> {
    let mut settings = vec![password(review, session)];
    for (section, key, default) in words() {
        if key.starts_with("password") {
            continue;
        }
        let given: Vec<_> = review.given.iter().filter(|given| given.word == key).collect();
        for (index, given) in given.iter().enumerate() {
            let value = effective(config, key, index);
            let value = value.or_else(|| given.text.clone()).unwrap_or_default();
            let (from, line) = ("line".to_owned(), Some(given.line));
            settings.push(Setting { section, key, value, from, line });
        }
        if given.is_empty()
            && let Some((value, from)) = without(config, key, default, session)
        {
            settings.push(Setting { section, key, value, from, line: None });
        }
    }
    settings
}

/// The path that a value means.
fn effective(config: &Config, key: &str, index: usize) -> Option<String> {
    let path = match key {
        "destination" => Some(&config.destination),
        "db_path" => config.db_path.as_ref(),
        "to_backup" => config.roots.get(index),
        _ => None,
    };
    Some(text::line(&path?.display().to_string()))
}

/// The value that holds where none is given, and its origin.
fn without(
    config: &Config,
    key: &str,
    default: &str,
    session: &Session<'_>,
) -> Option<(String, String)> {
    let environment = session.environment;
    let usual = |value: String| Some((value, "default".to_owned()));
    match key {
        "db_path" => {
            let folder = state_folder(environment).ok()?;
            let from = if environment.state_home.is_some() { "$XDG_STATE_HOME" } else { "default" };
            Some((text::line(&folder.display().to_string()), from.to_owned()))
        }
        "name" => usual(source_name(&config.roots)),
        "device_name" => usual(text::line(&environment.host_name)),
        _ if default.is_empty() => None,
        _ => usual(default.to_owned()),
    }
}

/// Where the password comes from, and never the password.
fn password(review: &Review, session: &Session<'_>) -> Setting {
    let setting = |key, value: &str, from: &str, line| {
        let (value, from) = (value.to_owned(), from.to_owned());
        Setting { section: "Credentials", key, value, from, line }
    };
    let given = review.given.iter().find(|given| given.word.starts_with("password"));
    match (&session.shared.password_file, given) {
        (Some(file), _) => {
            let file = text::line(&file.display().to_string());
            setting("password_file", &file, "--password-file", None)
        }
        (None, Some(given)) => {
            let value = given.text.as_deref().unwrap_or("(not shown)");
            setting(given.word, value, "line", Some(given.line))
        }
        (None, None) if session.environment.password.is_some() => {
            setting("password", "(not shown)", "$KEEPMUM_PASSWORD", None)
        }
        (None, None) => setting("password", "(asked for on the terminal)", "default", None),
    }
}

/// The document of `config check`.
#[derive(Serialize)]
struct Checked {
    config: String,
    problems: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    level: &'static str,
    line: Option<usize>,
    message: String,
}

fn check(review: &Review, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let mut remarks = review.remarks.clone();
    if let Some(config) = &review.config {
        remarks.extend(doubts(config, session.environment));
        remarks.sort_by_key(|remark| (remark.line, !remark.is_error));
    }
    let code = match remarks.iter().any(|remark| remark.is_error) {
        true => ExitCode::Usage,
        false => ExitCode::Done,
    };
    if session.terminal.json {
        let problems = remarks.iter().map(|remark| Found {
            level: if remark.is_error { "error" } else { "warning" },
            line: remark.line,
            message: remark.sentence.clone(),
        });
        let config = review.path.display().to_string();
        let checked = Checked { config, problems: problems.collect() };
        json::document(session.terminal, &checked)?;
    } else if !session.terminal.has_nothing_to_say(code) || !remarks.is_empty() {
        let page = page(&remarks, &review.path, Look::of_output());
        session.terminal.write(page.as_bytes())?;
    }
    Ok(code)
}

fn page(remarks: &[Remark], path: &Path, look: Look) -> String {
    let shown = text::line(&path.display().to_string());
    if remarks.is_empty() {
        return format!("{}: {shown}\n", look.toned(Tone::Good, "No problems found"));
    }
    let mut page = format!("{shown}\n");
    for remark in remarks {
        let (tone, level) = match remark.is_error {
            true => (Tone::Damage, "error"),
            false => (Tone::Warning, "warning"),
        };
        let line = remark.line.map_or_else(String::new, |line| format!("line {line}: "));
        let sentence = text::line(&remark.sentence);
        // The colour must not be counted as width.
        let plain = look.hanging(&format!("{level}: {line}{sentence}"), 2);
        page.push_str(&plain.replacen(level, &look.toned(tone, level), 1));
    }
    let errors = remarks.iter().filter(|remark| remark.is_error).count() as u64;
    let warnings = remarks.len() as u64 - errors;
    let errors = text::count(errors, "error", "errors");
    page.push_str(&format!("{errors}, {}\n", text::count(warnings, "warning", "warnings")));
    page
}
