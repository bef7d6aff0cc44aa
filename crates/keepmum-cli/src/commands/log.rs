//! `log`: the runs of this machine, and the note that each of them leaves.
//!
//! It needs neither the destination nor the password, because either may be the problem.

use std::path::PathBuf;
use std::time::Instant;

use keepmum::History;
use keepmum::ops::{BackupReport, Problem, RunProblem, RunRow};
use serde::Serialize;

use jiff::Zoned;

use super::Session;
use crate::args::LogArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::terminal::look::{Look, Tone};
use crate::terminal::table::{Head, fitting};
use crate::terminal::{json, text};

/// So many problems of a run are noted.
const NOTED: usize = 20;

/// The command of the runs that save something.
const BACKUP: &str = "backup";

/// A run that is noted. Where it cannot be, the run goes on all the same.
pub(crate) struct UnderWay {
    file: PathBuf,
    /// Open for the whole run, because opening costs more than noting.
    history: Option<History>,
    row: RunRow,
    begun: Instant,
}

/// How a run ended that made no snapshot.
pub(crate) struct Ended<'a> {
    /// Its exit code.
    pub(crate) code: ExitCode,
    /// Bytes written to the destination.
    pub(crate) bytes_stored: u64,
    /// Its problems.
    pub(crate) problems: &'a [Problem],
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

    /// Notes how a backup ended.
    pub(crate) fn end_backup(mut self, done: &Result<BackupReport, Failure>) {
        if let Ok(report) = done {
            let files = |all: u64, directories: u64| all.saturating_sub(directories);
            self.row.snapshot.clone_from(&report.snapshot);
            self.row.files_new = files(report.new, report.directories_new);
            self.row.files_changed = files(report.changed, report.directories_changed);
            self.row.files_moved = files(report.moved, report.directories_moved);
            self.row.files_gone = files(report.gone, report.directories_gone);
        }
        self.end(done.as_ref().map(|report| Ended {
            code: report.outcome().into(),
            bytes_stored: report.bytes_stored,
            problems: &report.problems,
        }));
    }

    /// Notes how it ended.
    pub(crate) fn end(mut self, done: Result<Ended<'_>, &Failure>) {
        self.row.seconds = Some(self.begun.elapsed().as_secs_f64());
        match done {
            Ok(ended) => {
                self.row.exit_code = Some(ended.code as u8);
                self.row.bytes_stored = ended.bytes_stored;
                self.row.problem_count = ended.problems.len() as u64;
                self.row.problems = ended.problems.iter().take(NOTED).map(noted).collect();
            }
            Err(failure) => {
                self.row.exit_code = Some(failure.code() as u8);
                self.row.error = Some(failure.to_string());
                self.row.error_kind = Some(failure.word().to_owned());
            }
        }
        // It is for people alone; runs that are not noted are missing in `log`.
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
        return Ok(ExitCode::Done);
    }
    let now = &session.environment.now;
    match (runs.as_slice(), args.run) {
        ([one], Some(_)) => terminal.say(&details(one, now, terminal.out))?,
        _ => terminal.write(table(&runs, now, terminal.out).as_bytes())?,
    }
    Ok(ExitCode::Done)
}

fn table(runs: &[RunRow], now: &Zoned, look: Look) -> String {
    let Some(first) = runs.first() else {
        return look.wrap("No runs yet on this computer. `keepmum backup` makes the first one.");
    };
    let heads = vec![
        Head::figures("run"),
        Head::text(format!("began ({})", moment::offset(now))),
        Head::text("command").dropped(1),
        Head::figures("took").dropped(4),
        Head::figures("new").dropped(3),
        Head::figures("changed").dropped(3),
        Head::figures("moved").dropped(2),
        Head::figures("deleted").dropped(3),
        Head::figures("upload").dropped(6),
        Head::text("snapshot").dropped(5),
        Head::figures("exit"),
        Head::text("result"),
    ];
    let mut page = fitting(heads, runs.iter().map(|run| row(run, now, look)).collect(), look);
    if first.id == 1 {
        page.push_str(&look.wrap("The first run that this computer remembers is run 1."));
    }
    page
}

fn row(run: &RunRow, now: &Zoned, look: Look) -> Vec<String> {
    let number = |number: u64| number.to_string();
    vec![
        run.id.to_string(),
        moment::short(run.time, now),
        run.command.clone(),
        run.seconds.map(text::duration).unwrap_or_default(),
        number(run.files_new),
        number(run.files_changed),
        number(run.files_moved),
        number(run.files_gone),
        text::size(run.bytes_stored),
        run.snapshot.as_deref().map(text::id).unwrap_or_default().to_owned(),
        run.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
        result(run, look),
    ]
}

/// How it ended, in a few words.
fn result(run: &RunRow, look: Look) -> String {
    match (&run.error, run.exit_code, run.problem_count) {
        (Some(error), _, _) => text::line(error),
        (None, None, _) => look.toned(Tone::Warning, "not ended"),
        (None, Some(0), 0) => look.toned(Tone::Good, "ok"),
        (None, Some(_), count) => {
            look.toned(Tone::Warning, &text::count(count, "problem", "problems"))
        }
    }
}

fn details(run: &RunRow, now: &Zoned, look: Look) -> String {
    let mut page = format!(
        "Run {}: {}, {} ({})\n",
        run.id,
        text::line(&run.command),
        moment::short(run.time, now),
        moment::offset(now)
    );
    match (run.exit_code, run.seconds) {
        (Some(code), Some(seconds)) => {
            page.push_str(&format!("Exit code {code} after {}\n", text::duration(seconds)));
        }
        _ => page.push_str("Not ended: it is still running, was stopped, or the power failed\n"),
    }
    if let Some(error) = &run.error {
        page.push_str(&format!("{} {}\n", look.toned(Tone::Damage, "Failed:"), text::line(error)));
    }
    let is_backup = run.command == BACKUP;
    if run.exit_code.is_some() && run.error.is_none() && is_backup {
        page.push_str(&format!(
            "Files: {} new, {} changed, {} moved, {} deleted; {} to upload\n",
            run.files_new,
            run.files_changed,
            run.files_moved,
            run.files_gone,
            text::size(run.bytes_stored)
        ));
    }
    match &run.snapshot {
        Some(id) => page.push_str(&format!("Snapshot {}\n", text::id(&text::line(id)))),
        None if is_backup => page.push_str("It made no snapshot\n"),
        None => {}
    }
    for problem in &run.problems {
        let (path, sentence) = (text::line(&problem.path), text::line(&problem.sentence));
        page.push_str(&format!("  {path}: {sentence}\n"));
    }
    let more = run.problem_count.saturating_sub(run.problems.len() as u64);
    if more > 0 {
        page.push_str(&format!("and {more} more, which were not kept\n"));
    }
    page
}
