//! Rows that are no records: codes of a constituent, and what a loader answers.

use super::{Answer, CodeRow, Effect, Reader};
use crate::columns::Field;
use crate::normalise::records::Record;
use crate::systems::CodeMeaning;
use crate::times::Moment;

impl Reader<'_> {
    /// A row without an id, such as one that the loader could not read, speaks of no record: it is a reject and no more.
    pub(super) fn answer(&mut self, at: usize) -> Option<Answer> {
        let (row, texts) = (self.cells.row(at), self.system.texts);
        let before = self.findings.len();
        let record = self.id(self.kind.key, at);
        self.findings.truncate(before);
        let Some(record) = record else {
            let (column, value) = (self.cells.header(self.kind.key).to_owned(), self.cells.get(self.kind.key, at));
            let reason = "this answer names no record, so nobody can say what it answers".to_owned();
            self.reject(at, column, value.unwrap_or_default(), reason);
            return None;
        };
        for (field, words) in &self.kind.words {
            let cell = self.cells.get(*field, at).unwrap_or_default();
            if !words.iter().any(|word| word.eq_ignore_ascii_case(cell)) {
                let reason = format!("this is not a word of the loader; known are {}", words.join(", "));
                self.reject(at, self.cells.header(*field).to_owned(), cell, reason);
                return None;
            }
        }
        let refused = self.cells.has(Field::Reason).then(|| self.cells.get(Field::Reason, at).unwrap_or("no reason given"));
        Some(Answer { input: 0, row, record, refused: refused.map(|reason| texts.intern(reason)) })
    }

    pub(super) fn code(&mut self, at: usize) -> Option<CodeRow> {
        let before = self.findings.len();
        let source_id = self.id(Field::SourceId, at);
        let Some(source_id) = source_id else {
            self.findings.truncate(before);
            self.reject_keyless(at, &Record::blank(0, self.cells.row(at), self.kind_position));
            return None;
        };
        let code = self.cells.get(Field::Code, at).unwrap_or_default();
        let start = self.time(Field::CodeStart, at);
        let end = self.time(Field::CodeEnd, at);
        let active = self.is_active(at, start, end);
        let effect = match self.system.codes.meaning(code) {
            _ if !active => Effect::Nothing,
            _ if code.is_empty() => {
                self.find("DAT604", Field::Code, at, "the code is missing: nobody knows what this row says");
                Effect::Stop
            }
            Some(CodeMeaning::OptOutAll | CodeMeaning::NoContact) => Effect::OptOut,
            Some(CodeMeaning::OptOutCategory(category)) => {
                Effect::Choose { category: self.system.texts.intern(category), on: false }
            }
            Some(CodeMeaning::OptInCategory(category)) => {
                Effect::Choose { category: self.system.texts.intern(category), on: true }
            }
            Some(CodeMeaning::SolicitOnly | CodeMeaning::Ignore) => Effect::Nothing,
            None => {
                let reason =
                    format!("nobody has said what this code means: add it to [systems.{}.codes]", self.system.profile.name);
                self.find("DAT604", Field::Code, at, &reason);
                Effect::Stop
            }
        };
        for finding in &mut self.findings[before..] {
            finding.record = Some(source_id);
        }
        let code = self.system.texts.intern(code);
        Some(CodeRow { input: 0, row: self.cells.row(at), kind: self.kind_position, source_id, code, effect, start })
    }

    /// Whether a code holds on the run's date. What cannot be read leaves it active: silence is safe.
    fn is_active(&mut self, at: usize, start: Option<Moment>, end: Option<Moment>) -> bool {
        let now = self.system.as_of.timestamp_millis();
        let said = match self.cells.get(Field::Status, at) {
            None => true,
            Some(word) => self.system.code_status.meaning(word).unwrap_or_else(|| {
                let reason =
                    format!("not a word that says whether a code is active; known are {}", self.system.code_status.known());
                self.find("DAT604", Field::Status, at, &reason);
                true
            }),
        };
        said && start.is_none_or(|start| start.from <= now) && end.is_none_or(|end| now <= end.until)
    }
}
