//! `log`: the runs of this machine, and the note that each of them leaves.
//!
//! It needs neither the destination nor the password: both may be what is amiss.

use std::path::PathBuf;
use std::time::Instant;

use keepmum::History;
use keepmum::ops::{BackupReport, Problem, RunProblem, RunRow};
use serde::Serialize;

use super::Session;
use super::snapshots::short;
use crate::args::LogArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::terminal::table::{Column, render};
use crate::terminal::{json, text};

/// So many problems of a run are noted.
const NOTED: usize = 20;

/// A run that is noted. Where it cannot be, the run goes on all the same.
pub(crate) struct UnderWay {
    file: PathBuf,
    /// Open for the whole run, because opening costs more than noting.
    history: Option<History>,
    row: RunRow,
    begun: Instant,
}

impl UnderWay {
    /// Notes that a run begins.
    pub(crate) fn begin(file: PathBuf, command: &str, session: &Session<'_>) -> Self {
        let now = &session.environment.now;
        let mut row = RunRow {
            command: command.to_owned(),
            time: now.timestamp().as_second(),
            utc_offset_minutes: moment::offset_minutes(now),
            ..RunRow::default()
        };
        let history = History::open(&file).ok();
        let noted = history
            .as_ref()
            .and_then(|open| open.begin_run(&row.command, row.time, row.utc_offset_minutes).ok());
        // Later, perhaps: a full disk may have room again.
        row.id = noted.unwrap_or(0);
        Self { file, history, row, begun: Instant::now() }
    }

    /// Notes how it ended.
    pub(crate) fn end(mut self, done: &Result<BackupReport, Failure>) {
        self.row.seconds = Some(self.begun.elapsed().as_secs_f64());
        match done {
            Ok(report) => {
                let files = |all: u64, directories: u64| all.saturating_sub(directories);
                self.row.exit_code = Some(ExitCode::from(report.outcome()) as u8);
                self.row.snapshot.clone_from(&report.snapshot);
                self.row.files_new = files(report.new, report.directories_new);
                self.row.files_changed = files(report.changed, report.directories_changed);
                self.row.files_moved = files(report.moved, report.directories_moved);
                self.row.files_gone = files(report.gone, report.directories_gone);
                self.row.bytes_stored = report.bytes_stored;
                self.row.problem_count = report.problems.len() as u64;
                self.row.problems = report.problems.iter().take(NOTED).map(noted).collect();
            }
            Err(failure) => {
                self.row.exit_code = Some(failure.code() as u8);
                self.row.error = Some(failure.to_string());
                self.row.error_kind = Some(failure.word().to_owned());
            }
        }
        // It is for people alone; what is not noted is missing in `log`.
        self.write().ok();
    }

    fn write(&mut self) -> Result<(), keepmum::CatalogueError> {
        let history = match self.history.take() {
            Some(open) => open,
            None => History::open(&self.file)?,
        };
        if self.row.id == 0 {
            let RunRow { command, time, utc_offset_minutes, .. } = &self.row;
            self.row.id = history.begin_run(command, *time, *utc_offset_minutes)?;
        }
        history.end_run(&self.row)
    }
}

fn noted(problem: &Problem) -> RunProblem {
    let kind = serde_json::to_value(problem.kind).ok();
    RunProblem {
        kind: kind.and_then(|kind| Some(kind.as_str()?.to_owned())).unwrap_or_default(),
        path: problem.path.clone(),
        sentence: problem.sentence.clone(),
    }
}

/// The document of `--json`.
#[derive(Serialize)]
struct Log {
    /// The runs, oldest first.
    runs: Vec<RunRow>,
}

/// Lists the runs.
pub(crate) fn run(args: &LogArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    if settings.source.is_none() {
        return Err(Failure::usage(
            "log shows the runs of this machine and needs its config; `keepmum status` shows what \
             a destination says of its devices",
        ));
    }
    let history = settings.catalogue.as_deref().and_then(History::read);
    let failed = |error| Failure::usage(format!("the history of runs cannot be read ({error})"));
    let mut runs = match (&history, args.run) {
        (None, None) => Vec::new(),
        (Some(history), None) => history.runs(args.count).map_err(failed)?,
        (history, Some(id)) => {
            let found = history.as_ref().map(|history| history.run(id)).transpose();
            let found = found.map_err(failed)?.flatten();
            vec![found.ok_or_else(|| {
                Failure::usage(format!("there is no run {id}; `keepmum log` lists the runs"))
            })?]
        }
    };
    runs.reverse();
    if terminal.json {
        json::document(terminal, &Log { runs })?;
    } else {
        let page = match (runs.as_slice(), args.run) {
            ([one], Some(_)) => details(one),
            _ => table(&runs),
        };
        terminal.write(page.as_bytes())?;
    }
    Ok(ExitCode::Done)
}

fn table(runs: &[RunRow]) -> String {
    let Some(first) = runs.first() else {
        return "no run is known here: the history begins with the next one\n".to_owned();
    };
    let columns = [
        ("run", Column::Figures),
        ("began", Column::Text),
        ("command", Column::Text),
        ("exit", Column::Figures),
        ("took", Column::Figures),
        ("new", Column::Figures),
        ("changed", Column::Figures),
        ("gone", Column::Figures),
        ("stored", Column::Figures),
        ("snapshot", Column::Text),
        ("problems", Column::Text),
    ];
    let mut page = render(&columns, runs.iter().map(row).collect());
    if first.id == 1 {
        page.push_str("The history of this machine begins here.\n");
    }
    page
}

fn row(run: &RunRow) -> Vec<String> {
    let number = |number: u64| number.to_string();
    vec![
        run.id.to_string(),
        moment::with_zone(run.time, run.utc_offset_minutes),
        run.command.clone(),
        run.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
        run.seconds.map(text::duration).unwrap_or_default(),
        number(run.files_new),
        number(run.files_changed),
        number(run.files_gone),
        text::size(run.bytes_stored),
        run.snapshot.as_deref().map(short).unwrap_or_default().to_owned(),
        trouble(run),
    ]
}

/// What was amiss, in a few words.
fn trouble(run: &RunRow) -> String {
    match (&run.error, run.exit_code, run.problem_count) {
        (Some(error), _, _) => text::line(error),
        (None, None, _) => "not ended: at work, killed, or without power".to_owned(),
        (None, Some(_), 0) => String::new(),
        (None, Some(_), count) => text::count(count, "problem", "problems"),
    }
}

fn details(run: &RunRow) -> String {
    let mut page = format!(
        "run {}: {}, {}\n",
        run.id,
        text::line(&run.command),
        moment::with_zone(run.time, run.utc_offset_minutes)
    );
    match (run.exit_code, run.seconds) {
        (Some(code), Some(seconds)) => {
            page.push_str(&format!("exit code {code} after {}\n", text::duration(seconds)));
        }
        _ => page.push_str("it has not ended: it is at work, was killed, or lost its power\n"),
    }
    if let Some(error) = &run.error {
        page.push_str(&format!("{}\n", text::line(error)));
    }
    if run.exit_code.is_some() && run.error.is_none() {
        page.push_str(&format!(
            "files: {} new, {} changed, {} gone; stored {}\n",
            run.files_new,
            run.files_changed,
            run.files_gone,
            text::size(run.bytes_stored)
        ));
    }
    match &run.snapshot {
        Some(id) => page.push_str(&format!("snapshot {}\n", text::line(id))),
        None => page.push_str("no snapshot was made\n"),
    }
    for problem in &run.problems {
        let (path, sentence) = (text::line(&problem.path), text::line(&problem.sentence));
        page.push_str(&format!("{}: {path}: {sentence}\n", text::line(&problem.kind)));
    }
    let more = run.problem_count.saturating_sub(run.problems.len() as u64);
    if more > 0 {
        page.push_str(&format!("and {more} more, which are not kept\n"));
    }
    page
}
