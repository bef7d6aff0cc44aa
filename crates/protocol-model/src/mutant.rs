//! Mistakes that the model can be told to make, one for each rule: a model that does not notice
//! them proves nothing.

/// One rule left out or got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A sweep waits for nobody.
    SweepWithoutAcks,
    /// A sweep waits for one device and not for all.
    SweepAfterOneAck,
    /// A device proposes and sweeps objects of others.
    SweepObjectsOfOthers,
    /// A record is read though one before it in its chain has not arrived.
    ReadPastGaps,
    /// A record is read though one that it names of another device has not arrived.
    ReadWithoutCauses,
    /// A run leans on objects in an intent.
    LeanOnIntents,
    /// A run leans on a swept object that has come back.
    LeanOnSwept,
    /// A delta stands on a piece in an intent.
    StandOnIntents,
    /// A sweep ignores the bases of deltas.
    SweepBases,
    /// A sweep asks the snapshots of its own device only.
    SweepForOthers,
    /// A sweep counts on places that are in intents of others.
    CountOnIntents,
    /// A sweep counts on places that were swept by others and have come back.
    CountOnSwept,
    /// A folder that was set back is not noticed by a run.
    LeanBehind,
    /// A folder that was set back is not noticed by a sweep.
    SweepBehind,
    /// A snapshot counts though the owner of an object that it needs does not know the device.
    NeverProvisional,
    /// An undo looks at the objects that are here and ignores intents.
    UndoOverIntents,
    /// An undo is nothing to a sweep.
    SweepOverUndo,
    /// A reader counts an undo by a device that the owner does not know.
    UndoNeverProvisional,
    /// A retired device goes on under its id.
    RetiredGoesOn,
    /// A reader believes a record of a device that was retired by then.
    BelieveTheRetired,
    /// A sweep waits for retired devices.
    WaitForTheRetired,
    /// Whoever finds a record under its id that it did not write goes on.
    CopyGoesOn,
    /// A lost catalogue goes on from the last record that is here.
    LostGoesOn,
    /// A join ends the device that it continues.
    JoinEnds,
    /// Records of a device after the one that a join continues acknowledge nothing.
    JoinVoids,
    /// Of a fork, one branch speaks for both.
    OneBranchSpeaks,
    /// From an object that is to go the pieces are copied, and not the records.
    FoldWithoutRecords,
    /// A run without changes acknowledges nothing.
    SilentAcks,
    /// A run without changes writes nothing, though its last snapshot was forgotten.
    SilentAfterForget,
    /// An object that stays after all stays in its intent.
    NeverKeep,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::SweepWithoutAcks,
        Self::SweepAfterOneAck,
        Self::SweepObjectsOfOthers,
        Self::ReadPastGaps,
        Self::ReadWithoutCauses,
        Self::LeanOnIntents,
        Self::LeanOnSwept,
        Self::StandOnIntents,
        Self::SweepBases,
        Self::SweepForOthers,
        Self::CountOnIntents,
        Self::CountOnSwept,
        Self::LeanBehind,
        Self::SweepBehind,
        Self::NeverProvisional,
        Self::UndoOverIntents,
        Self::SweepOverUndo,
        Self::UndoNeverProvisional,
        Self::RetiredGoesOn,
        Self::BelieveTheRetired,
        Self::WaitForTheRetired,
        Self::CopyGoesOn,
        Self::LostGoesOn,
        Self::JoinEnds,
        Self::JoinVoids,
        Self::OneBranchSpeaks,
        Self::FoldWithoutRecords,
        Self::SilentAcks,
        Self::SilentAfterForget,
        Self::NeverKeep,
    ];
}
