//! What systems answered to corrections that were loaded: one row a record and correction file. A set has the file only
//! where there were answers.

use foldhash::HashMap;
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, PolarsResult, StringChunked};

/// The file.
pub(super) const FILE: &str = "answers.parquet";

const COLUMNS: [&str; 5] = ["system", "record", "file", "answered_in", "refused"];

/// The answer to a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The run that read it.
    pub run: String,
    /// Why the system refused the correction, in its own words; none where it took it.
    pub refused: Option<String>,
}

/// The last answer of each system, record and correction file.
pub type Answers = HashMap<[String; 3], Answer>;

/// Adds the answers of a set.
pub(super) fn apply(answers: &mut Answers, frame: &DataFrame) -> PolarsResult<()> {
    let columns = COLUMNS.iter().map(|name| frame.column(name)?.str()).collect::<PolarsResult<Vec<_>>>()?;
    for at in 0..frame.height() {
        let [system, record, file, run, refused] = std::array::from_fn(|column| columns[column].get(at));
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let answer = Answer { run: text(run), refused: refused.map(str::to_owned) };
        answers.insert([text(system), text(record), text(file)], answer);
    }
    Ok(())
}

/// One row an answer, sorted by what it is about.
pub(super) fn frame(answers: &Answers) -> PolarsResult<DataFrame> {
    let mut rows: Vec<(&[String; 3], &Answer)> = answers.iter().collect();
    rows.sort_by_key(|(of, _)| *of);
    let column = |at: usize| -> Column {
        let cells = rows.iter().map(|(of, answer)| match at {
            0..3 => Some(of[at].as_str()),
            3 => Some(answer.run.as_str()),
            _ => answer.refused.as_deref(),
        });
        StringChunked::from_iter_options(COLUMNS[at].into(), cells).into_column()
    };
    DataFrame::new(rows.len(), (0..COLUMNS.len()).map(column).collect())
}
