//! The erasure list as a file beside the backups: `erasures.jsonl`, one line per person, readable by its owner alone.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use domain::erasure::Line;
use ports::ErasureList;

/// The file's name in the folder of the backups.
pub const FILE: &str = "erasures.jsonl";

/// See the module's header.
#[derive(Debug, Clone)]
pub struct ErasureFile(PathBuf);

impl ErasureFile {
    /// In the folder of the backups, which is made with the first line.
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }
}

#[async_trait]
impl ErasureList for ErasureFile {
    async fn append(&self, line: Line) -> Result<(), String> {
        let path = self.0.clone();
        let shown = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || append(&path, line)).await.map_err(|error| error.to_string())?;
        written.map_err(|error| format!("{shown} cannot be written: {error}; check GREENROOM_BACKUP_DIR, its owner and the disk"))
    }
}

/// Durable when it returns. A line that a crash cut short is cut off: its erasure comes again.
fn append(path: &Path, line: Line) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Other processes append too.
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let known =
        |line: &Line, text: &str| text.lines().any(|old| serde_json::from_str::<Line>(old).is_ok_and(|old| old.id == line.id));
    if known(&line, &text[..whole]) {
        return Ok(());
    }
    let bytes = u64::try_from(whole).map_err(io::Error::other)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes))?;
    let mut new = serde_json::to_string(&line)?;
    new.push('\n');
    file.write_all(new.as_bytes())?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use domain::erasure::Kind;

    use super::*;

    fn line(number: u32) -> Line {
        let id = format!("per_{number:032x}").parse().unwrap();
        Line { id, kind: Kind::Candidate, at: "2026-11-23T08:00:00Z".parse().unwrap() }
    }

    #[test]
    fn a_person_has_one_line_and_one_that_was_cut_short_is_written_again() {
        let folder = std::env::temp_dir().join(format!("greenroom-erasure-list-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let path = folder.join(FILE);
        for number in [1, 2, 1] {
            append(&path, line(number)).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        let cut = fs::read_to_string(&path).unwrap();
        fs::write(&path, &cut[..cut.len() - 20]).unwrap();
        append(&path, line(3)).unwrap();
        append(&path, line(2)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let ids: Vec<_> = text.lines().map(|text| serde_json::from_str::<Line>(text).unwrap().id).collect();
        assert_eq!(ids, [line(1).id, line(3).id, line(2).id]);
    }
}
