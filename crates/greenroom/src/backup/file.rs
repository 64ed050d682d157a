//! The file of a backup: a line that says what it is, a header with its seal, and sealed chunks.
//!
//! ```text
//! "greenroom backup 1\n" ‖ length of the header (4, big-endian) ‖ header (JSON) ‖ its seal (32) ‖ chunks (65,552 each, the last shorter)
//! ```
//!
//! Every error names the file and the part of it that does not hold.

use std::{
    fmt,
    fs::File,
    io::{BufReader, BufWriter, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use domain::{Timestamp, backups::BackupFile};
use ports::backups::BackupError;
use serde::{Deserialize, Serialize};
use store::{DumpCheck, Dumped};
use tokio::sync::mpsc;
use vault::{
    BACKUP_CHUNK_BYTES, BACKUP_SALT_BYTES, BACKUP_SEAL_BYTES, BACKUP_TAG_BYTES, BackupKeys, BackupOpener, BackupSealer, KeyId,
    KeyRing,
};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"greenroom backup 1\n";
/// No header of ours is near this; a length above it is no length.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
const SEALED_BYTES: usize = BACKUP_CHUNK_BYTES + BACKUP_TAG_BYTES;

/// Random bytes in the header, from which the file's keys are derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(pub [u8; BACKUP_SALT_BYTES]);

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        salt.0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }
}

impl TryFrom<String> for Salt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let mut bytes = [0; BACKUP_SALT_BYTES];
        if text.len() != 2 * BACKUP_SALT_BYTES || !text.is_ascii() {
            return Err("not a salt");
        }
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(at..at + 2).ok_or("not a salt")?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| "not a salt")?;
        }
        Ok(Self(bytes))
    }
}

/// What can be read without a key; sealed against changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The installation it belongs to.
    pub installation: String,
    /// The key that opens it.
    pub key_id: KeyId,
    /// See [`Salt`].
    pub salt: Salt,
    /// The engine it was made from.
    pub engine: String,
    /// The schema's version.
    pub schema: i64,
    /// The release that made it.
    pub program: String,
    /// The moment whose content it holds.
    pub started_at: Timestamp,
}

/// A part of a file that does not hold.
struct At<'a> {
    path: &'a Path,
    part: &'a str,
}

impl At<'_> {
    fn fails(&self, why: impl fmt::Display) -> BackupError {
        BackupError(format!("{}, {}: {why}", self.path.display(), self.part))
    }
}

/// Seals what comes and writes it to a new file, which is on the disk afterwards. Whether everything came is for the caller to know.
pub fn write(path: &Path, header: &Header, ring: &KeyRing, mut pieces: mpsc::Receiver<Vec<u8>>) -> Result<(), BackupError> {
    let at = At { path, part: "writing" };
    let key = ring.get(&header.key_id).ok_or_else(|| at.fails(format!("the key `{}` is not in the key ring", header.key_id)))?;
    let text = serde_json::to_vec(header).map_err(|error| at.fails(error))?;
    let length = u32::try_from(text.len()).map_err(|error| at.fails(error))?;
    let keys = BackupKeys::derive(key, &header.salt.0);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path).map_err(|error| at.fails(error))?);
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(|error| at.fails(error));
    put(MAGIC)?;
    put(&length.to_be_bytes())?;
    put(&text)?;
    put(&keys.seal_header(&text))?;
    let mut sealer = BackupSealer::new(&keys, &text);
    let mut plain = Zeroizing::new(Vec::with_capacity(2 * BACKUP_CHUNK_BYTES));
    while let Some(piece) = pieces.blocking_recv() {
        plain.extend_from_slice(&piece);
        // What could be the last chunk is kept back.
        while plain.len() > BACKUP_CHUNK_BYTES {
            let chunk: Zeroizing<Vec<u8>> = Zeroizing::new(plain.drain(..BACKUP_CHUNK_BYTES).collect());
            put(&sealer.next(&chunk).map_err(|error| at.fails(error))?)?;
        }
    }
    put(&sealer.last(&plain).map_err(|error| at.fails(error))?)?;
    file.into_inner().map_err(|error| at.fails(error))?.sync_all().map_err(|error| at.fails(error))
}

/// The header as it stands there, not checked: says which key is needed.
pub fn header(path: &Path) -> Result<Header, BackupError> {
    let mut file = open(path)?;
    Ok(read_header(path, &mut file)?.0)
}

fn open(path: &Path) -> Result<BufReader<File>, BackupError> {
    File::open(path).map(BufReader::new).map_err(|error| At { path, part: "opening" }.fails(error))
}

fn read_header(path: &Path, file: &mut impl Read) -> Result<(Header, Vec<u8>), BackupError> {
    let at = At { path, part: "header" };
    let cut = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => at.fails("the file ends there"),
        _ => at.fails(error),
    };
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).map_err(cut)?;
    if magic != MAGIC {
        return Err(At { path, part: "first line" }.fails("this is no backup of Greenroom, or its beginning was changed"));
    }
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(cut)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(at.fails("its length was changed"));
    }
    let mut text = vec![0; usize::try_from(length).map_err(|error| at.fails(error))?];
    file.read_exact(&mut text).map_err(cut)?;
    let header = serde_json::from_slice(&text).map_err(|_| at.fails("it was changed and makes no sense"))?;
    Ok((header, text))
}

/// Reads the chunks of a file in order.
pub struct Reader {
    /// The header, whose seal was checked.
    pub header: Header,
    path: PathBuf,
    file: BufReader<File>,
    opener: Option<BackupOpener>,
    /// The sealed chunk that comes next.
    ahead: Vec<u8>,
    number: u64,
}

impl Reader {
    /// Opens a file and checks its header.
    pub fn open(path: &Path, ring: &KeyRing) -> Result<Self, BackupError> {
        let at = At { path, part: "header" };
        let mut file = open(path)?;
        let (header, text) = read_header(path, &mut file)?;
        let key = ring.get(&header.key_id).ok_or_else(|| {
            at.fails(format!(
                "it is sealed with the key `{}`, which is not in the key ring; put that key back, or, if there was never one of that \
                 name, the header was changed",
                header.key_id
            ))
        })?;
        let mut seal = [0; BACKUP_SEAL_BYTES];
        file.read_exact(&mut seal).map_err(|_| at.fails("the file ends there"))?;
        let keys = BackupKeys::derive(key, &header.salt.0);
        keys.check_header(&text, &seal).map_err(|error| at.fails(error))?;
        let opener = Some(BackupOpener::new(&keys, &text));
        let mut reader = Self { header, path: path.to_path_buf(), file, opener, ahead: Vec::new(), number: 0 };
        reader.ahead = reader.read_sealed()?;
        Ok(reader)
    }

    /// The next chunk; `None` behind the last.
    pub fn next_chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, BackupError> {
        if self.opener.is_none() {
            return Ok(None);
        }
        let following = self.read_sealed()?;
        let sealed = std::mem::replace(&mut self.ahead, following);
        let plain = match self.opener.take() {
            Some(opener) if self.ahead.is_empty() => opener.last(&sealed),
            Some(mut opener) => {
                let plain = opener.next(&sealed);
                self.opener = Some(opener);
                plain
            }
            None => return Ok(None),
        };
        let plain = plain.map_err(|error| self.here().fails(error))?;
        self.number += 1;
        Ok(Some(plain))
    }

    fn read_sealed(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut sealed = Vec::with_capacity(SEALED_BYTES);
        let most = u64::try_from(SEALED_BYTES).unwrap_or(u64::MAX);
        match (&mut self.file).take(most).read_to_end(&mut sealed) {
            Ok(_) => Ok(sealed),
            Err(error) => Err(self.here().fails(error)),
        }
    }

    fn here(&self) -> Part<'_> {
        Part { path: &self.path, number: self.number }
    }
}

/// A chunk, for errors.
struct Part<'a> {
    path: &'a Path,
    number: u64,
}

impl Part<'_> {
    fn fails(&self, why: impl fmt::Display) -> BackupError {
        BackupError(format!("{}, chunk {}: {why}", self.path.display(), self.number + 1))
    }
}

/// A file that was read to its end.
#[derive(Debug)]
pub struct Whole {
    /// As people see it; when it was found whole is for the caller to say.
    pub file: BackupFile,
    /// What it holds.
    pub dumped: Dumped,
}

/// Reads a file to its end: every seal, every record, and the counts of the trailer.
pub fn verify(path: &Path, ring: &KeyRing) -> Result<Whole, BackupError> {
    let mut reader = Reader::open(path, ring)?;
    let at = At { path, part: "content" };
    let mut check = DumpCheck::default();
    while let Some(chunk) = reader.next_chunk()? {
        check.push(&chunk).map_err(|error| at.fails(error))?;
    }
    let dumped = check.finish().map_err(|error| at.fails(error))?;
    if dumped.schema != reader.header.schema {
        return Err(at.fails("its schema is not the header's"));
    }
    let mut file = listed(path, &reader.header)?;
    file.rows = Some(dumped.counts.rows());
    Ok(Whole { file, dumped })
}

/// A file by its header.
pub fn listed(path: &Path, header: &Header) -> Result<BackupFile, BackupError> {
    let about = std::fs::metadata(path).map_err(|error| At { path, part: "opening" }.fails(error))?;
    Ok(BackupFile {
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        bytes: about.len(),
        started_at: header.started_at,
        key_id: header.key_id.to_string(),
        engine: header.engine.clone(),
        schema: header.schema,
        rows: None,
        verified_at: None,
    })
}

/// Sends what a file holds, piece by piece, for a load. Where it does not hold, the pieces end early, the load with them, and the error
/// says why.
pub fn send(path: &Path, ring: &KeyRing, pieces: &mpsc::Sender<Vec<u8>>) -> Result<(), BackupError> {
    let mut reader = Reader::open(path, ring)?;
    while let Some(chunk) = reader.next_chunk()? {
        if pieces.blocking_send(chunk.to_vec()).is_err() {
            // The load has ended, and says why itself.
            return Ok(());
        }
    }
    Ok(())
}
