//! `forget`: snapshots that are not needed any more, with the reason for each that stays.

use jiff::Zoned;
use keepmum::History;
use keepmum::ops::{
    self, Access, Decision, Deletions, ErrorKind, Forget, ForgetLine, ForgetOptions, ForgetReport,
    KeepRules, KeptBecause, PruneReport,
};
use serde::Serialize;

use super::Session;
use super::choice;
use super::log::{Ended, UnderWay};
use super::prune;
use crate::args::{ForgetArgs, PruneArgs};
use crate::exit::ExitCode;
use crate::failure::{Failure, Kind};
use crate::moment;
use crate::settings::{Asking, Settings};
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::table::{Head, fitting};
use crate::terminal::{Terminal, json, problems, text};

/// Forgets, and notes how that went.
pub(crate) fn run(args: &ForgetArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let settings = session.settings()?;
    let Some(source) = &settings.source else {
        return Err(Failure::usage(
            "forget needs a config: only a computer that backs up here may change what is listed",
        ));
    };
    let options = options(args, source.retention.rules, session)?;
    if matches!(options.which, Forget::Unkept(_)) && args.accept_deletions.is_none() {
        refuse_emptied(&settings)?;
    }
    let under_way = match args.dry_run {
        true => None,
        false => settings.history().map(|file| UnderWay::begin(file, "forget", session)),
    };
    let done = forget(settings, &options, session);
    let done = done.map_err(|failure| failure.within(session.terminal.places()));
    if let Some(under_way) = under_way {
        under_way.end(done.as_ref().map(ended));
    }
    let report = done?;
    let code = match report.to_accept {
        None => report.outcome().into(),
        Some(_) => ExitCode::Refused,
    };
    // What would be forgotten is not, so nobody knows what that would free.
    if !args.prune || args.dry_run || report.to_accept.is_some() {
        show(&report, session)?;
        return Ok(code);
    }
    if session.terminal.json {
        let prune = prune::prune(&PruneArgs { dry_run: false, max_upload: None }, session)?;
        json::document(session.terminal, &Both { forget: &report, prune })?;
        return Ok(code);
    }
    show(&report, session)?;
    let pruned = prune::prune(&PruneArgs { dry_run: false, max_upload: None }, session)?;
    let pruned = prune::show(&pruned, session)?;
    Ok(if pruned == ExitCode::Done { code } else { pruned })
}

/// The document of `forget --prune`.
#[derive(Serialize)]
struct Both<'a> {
    #[serde(flatten)]
    forget: &'a ForgetReport,
    /// What the prune did.
    prune: PruneReport,
}

fn forget(
    settings: Settings,
    options: &ForgetOptions,
    session: &Session<'_>,
) -> Result<ForgetReport, Failure> {
    let settings = if options.dry_run { settings.for_reading() } else { settings };
    let access = settings.open(session.environment, session.terminal, Asking::Once)?;
    watched(session.terminal, Shape::Document, |watch| ops::forget(&access, options, watch))
}

fn ended(report: &ForgetReport) -> Ended<'_> {
    let code = report.outcome().into();
    Ended { code, bytes_stored: report.bytes_stored, problems: &report.problems }
}

/// What is meant by the words and the config.
fn options(
    args: &ForgetArgs,
    configured: KeepRules,
    session: &Session<'_>,
) -> Result<ForgetOptions, Failure> {
    let typed = args.keep.rules();
    let which = if args.undo {
        let id = |word: &std::ffi::OsString| choice::id(word);
        Forget::Undo(args.snapshots.iter().map(id).collect::<Result<_, _>>()?)
    } else if args.damaged {
        Forget::Damaged
    } else if !args.snapshots.is_empty() || args.which.at.is_some() {
        let words = (&args.snapshots[..], args.which.at.as_deref());
        Forget::Named(choice::snapshots(words, session.environment)?)
    } else {
        Forget::Unkept(typed.unwrap_or(configured))
    };
    if which == Forget::Unkept(KeepRules::default()) {
        return Err(Failure::usage("Nothing says which snapshots to forget").next(
            "name snapshots, or say what to keep: --keep-last, --keep-hourly, --keep-daily, \
             --keep-weekly, --keep-monthly, --keep-yearly, --keep-within, or the keys of [Retention] \
             in the config. `keepmum forget --keep-last 10 --dry-run` shows what would be forgotten",
        ));
    }
    Ok(ForgetOptions {
        which,
        device: args.which.device.clone(),
        source: args.which.source.clone(),
        accept_deletions: args.accept_deletions.unwrap_or_default(),
        dry_run: args.dry_run,
        utc_offset_minutes: moment::offset_minutes(&session.environment.now),
    })
}

/// While `backup` refuses to run, because files seem to be missing, no rule forgets the snapshots
/// that still have them.
fn refuse_emptied(settings: &Settings) -> Result<(), Failure> {
    let history = settings.catalogue.as_deref().and_then(History::read);
    let last = history.and_then(|history| history.last_run().ok().flatten());
    match last.and_then(|run| run.error_kind).as_deref() {
        Some("source_gone") => {
            let kind = Kind::Library(ErrorKind::ForgetRefused);
            let sentence = "the last backup was refused, because files seem to be missing from the \
                            source. Nothing was forgotten";
            Err(Failure::new(kind, sentence))
        }
        _ => Ok(()),
    }
}

/// After a backup that stored a snapshot: forgets by the rules of the config. A refusal is a
/// warning, because the backup itself is done.
pub(super) fn after_backup(
    access: &Access,
    rules: KeepRules,
    history: Option<std::path::PathBuf>,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let terminal = session.terminal;
    let options = ForgetOptions {
        which: Forget::Unkept(rules),
        device: None,
        source: None,
        accept_deletions: Deletions::Refuse,
        dry_run: false,
        utc_offset_minutes: moment::offset_minutes(&session.environment.now),
    };
    let under_way = history.map(|file| UnderWay::begin(file, "forget", session));
    let done = watched(terminal, Shape::Lines, |watch| ops::forget(access, &options, watch));
    if let Some(under_way) = under_way {
        under_way.end(done.as_ref().map(ended));
    }
    let said = match done {
        Ok(report) if report.forgotten == 0 => return Ok(()),
        Ok(report) => sentence(&report),
        Err(failure) if failure.code() == ExitCode::Refused => {
            let next = "`keepmum forget` says more";
            terminal.warn(&format!("auto_forget forgot nothing: {failure}; {next}"));
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    match (terminal.json, terminal.quiet) {
        (true, _) => json::print(terminal, &json::notice(&said)),
        (false, true) => Ok(()),
        (false, false) => terminal.line(&said),
    }
}

fn show(report: &ForgetReport, session: &Session<'_>) -> Result<(), Failure> {
    let terminal: &Terminal = session.terminal;
    if terminal.json {
        return json::document(terminal, report);
    }
    if report.to_accept.is_none() && terminal.has_nothing_to_say(report.outcome().into()) {
        return Ok(());
    }
    problems::show(terminal, &report.problems);
    let mut page = table(&report.snapshots, &session.environment.now, terminal.out);
    page.push_str(&terminal.out.wrap(&sentence(report)));
    if let Some(count) = report.to_accept {
        page.push_str(&terminal.out.wrap(&format!(
            "That is more than goes without a question: it needs `--accept-deletions={count}`."
        )));
    }
    if report.forgotten > 0 && !report.dry_run {
        page.push_str(&terminal.out.wrap(UNDO));
    }
    terminal.write(page.as_bytes())
}

const UNDO: &str = "`keepmum forget --undo` takes this back while the data is still there.";

/// `Forgot 3 snapshots; 5 stay.`
fn sentence(report: &ForgetReport) -> String {
    let count = |count| text::count(count, "snapshot", "snapshots");
    let stay = match report.kept {
        1 => "1 stays".to_owned(),
        kept => format!("{kept} stay"),
    };
    match (report.dry_run, report.brought_back, report.forgotten) {
        (false, 0, 0) => format!("Nothing to forget: {stay}."),
        (true, 0, 0) => format!("Dry run: nothing would be forgotten; {stay}."),
        (true, 0, forgotten) => {
            format!("Dry run: {} would be forgotten; {stay}.", count(forgotten))
        }
        (false, 0, forgotten) if report.kept == 0 => format!("Forgot {}.", count(forgotten)),
        (false, 0, forgotten) => format!("Forgot {}; {stay}.", count(forgotten)),
        (true, back, _) => format!("Dry run: {} would be brought back.", count(back)),
        (false, back, _) => format!("Brought back {}.", count(back)),
    }
}

fn table(lines: &[ForgetLine], now: &Zoned, look: Look) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let is_one = |field: fn(&ForgetLine) -> &str| {
        lines.windows(2).all(|pair| field(&pair[0]) == field(&pair[1]))
    };
    let (device, source) =
        (is_one(|line| &line.snapshot.device), is_one(|line| &line.snapshot.source));
    let mut heads = vec![
        Head::text("id"),
        Head::text(format!("time ({})", moment::offset(now))),
        Head::text("age").dropped(1),
        Head::text("device").dropped(3),
        Head::text("source").dropped(2),
        Head::text(""),
        Head::text("why"),
    ];
    let mut rows: Vec<_> = lines.iter().map(|line| row(line, now, look)).collect();
    for (column, is_one) in [(4, source), (3, device)] {
        if is_one {
            heads.remove(column);
            rows.iter_mut().for_each(|row| drop(row.remove(column)));
        }
    }
    fitting(heads, rows, look)
}

fn row(line: &ForgetLine, now: &Zoned, look: Look) -> Vec<String> {
    let snapshot = &line.snapshot;
    let (tone, decision) = match line.decision {
        Decision::Kept => (Tone::Good, "keep"),
        Decision::Forgotten => (Tone::Warning, "forget"),
        Decision::BroughtBack => (Tone::Good, "bring back"),
    };
    let reasons: Vec<_> = line.reasons.iter().map(|reason| word(*reason)).collect();
    vec![
        text::id(&snapshot.id).to_owned(),
        moment::short(snapshot.time, now),
        moment::age(snapshot.time, now),
        text::line(&snapshot.device),
        text::line(&snapshot.source),
        look.toned(tone, decision),
        reasons.join(", "),
    ]
}

/// A reason in few words.
fn word(reason: KeptBecause) -> &'static str {
    match reason {
        KeptBecause::Newest => "newest",
        KeptBecause::Pinned => "pinned",
        KeptBecause::NotComplete => "not complete",
        KeptBecause::Unconfirmed => "unconfirmed",
        KeptBecause::BeforeLoss => "last before most files went",
        KeptBecause::Last => "last",
        KeptBecause::Hourly => "hourly",
        KeptBecause::Daily => "daily",
        KeptBecause::Weekly => "weekly",
        KeptBecause::Monthly => "monthly",
        KeptBecause::Yearly => "yearly",
        KeptBecause::Within => "within",
    }
}
