//! The file that keeps checkpoints of the audit log: one JSON line each, appended and flushed to the disk. Whoever can write the database
//! should not be able to write it: another disk, `chattr +a`, or a share that only takes additions.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use ports::{Witness, witness::WitnessError};

/// How much of the file's end is read to see whether the line is there already.
const TAIL_BYTES: i64 = 4_096;

/// See the module's header.
#[derive(Debug)]
pub struct WitnessFile(PathBuf);

impl WitnessFile {
    /// Appends to this file, and makes it when there is something to append.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

#[async_trait]
impl Witness for WitnessFile {
    async fn keep(&self, line: &str) -> Result<(), WitnessError> {
        let (path, line) = (self.0.clone(), line.to_owned());
        let shown = path.display().to_string();
        let appended = tokio::task::spawn_blocking(move || append(&path, &line)).await;
        let failed = |why: String| {
            WitnessError(format!(
                "the file {shown} (GREENROOM_AUDIT_FILE) cannot be appended to: {why}; check its folder, its owner and the disk"
            ))
        };
        appended.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }

    async fn kept(&self) -> Result<String, WitnessError> {
        match tokio::fs::read_to_string(&self.0).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(|error| {
                let shown = self.0.display();
                WitnessError(format!(
                    "the file {shown} (GREENROOM_AUDIT_FILE) cannot be read: {error}; check its owner and the disk"
                ))
            }),
        }
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut file = File::options().create(true).read(true).append(true).open(path)?;
    let length = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
    file.seek(SeekFrom::End(-length.min(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    if tail.ends_with('\n') && tail.lines().any(|known| known == line) {
        return Ok(());
    }
    // Behind a line that was cut off by a crash a new one begins; `audit verify` names the torn one.
    let begin = if tail.is_empty() || tail.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes())?;
    file.sync_all()?;
    if is_new && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // The name of a new file is safe only once its folder is.
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_once_and_a_torn_one_swallows_none() {
        let folder = std::env::temp_dir().join(format!("greenroom_witness_{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("checkpoints.jsonl");
        append(&path, "{\"seq\":1}").unwrap();
        append(&path, "{\"seq\":2}").unwrap();
        append(&path, "{\"seq\":2}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"seq\":1}\n{\"seq\":2}\n");
        std::fs::write(&path, "{\"seq\":1}\n{\"se").unwrap();
        append(&path, "{\"seq\":2}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"seq\":1}\n{\"se\n{\"seq\":2}\n");
        let nowhere = append(&folder.join("missing/file"), "x").unwrap_err();
        assert_eq!(nowhere.kind(), std::io::ErrorKind::NotFound);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
