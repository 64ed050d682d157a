//! The key file. Changed as a whole: another file is written beside it, flushed and renamed over it, so that a crash leaves the old one
//! or the new one, never a piece.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use ports::Entropy;
use vault::{Key, KeyId, KeyRing, KeyText};

/// The lowest bits of a file's mode: what group and others may.
#[cfg(unix)]
const OTHERS_BITS: u32 = 6;

/// The file's text; `None` where there is none. One that others can read is refused.
pub fn read(path: &Path) -> Result<Option<KeyText>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = KeyText::new(text);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(path)?.permissions().mode();
                ensure!(
                    mode.trailing_zeros() >= OTHERS_BITS,
                    "the key file {} can be read by others; run: chmod 600 {}",
                    path.display(),
                    path.display()
                );
            }
            Ok(Some(text))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the key file {} cannot be read", path.display())),
    }
}

/// Makes the file with its first key.
pub fn make(path: &Path, entropy: &dyn Entropy) -> Result<KeyRing> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("the folder {} for the key file cannot be made", parent.display()))?;
    }
    let (line, _) = line(entropy)?;
    let mut file = private(path).with_context(|| format!("the key file {} cannot be made", path.display()))?;
    file.write_all(line.expose().as_bytes())?;
    file.sync_all()?;
    flush_folder(path)?;
    Ok(KeyRing::parse(line.expose())?)
}

/// Adds a key at the end; its name.
pub fn add(path: &Path, entropy: &dyn Entropy) -> Result<KeyId> {
    let (line, id) = line(entropy)?;
    change(path, |text| {
        let end = if text.expose().ends_with('\n') { "" } else { "\n" };
        Ok(KeyText::new([text.expose(), end, line.expose()].concat()))
    })?;
    Ok(id)
}

/// Takes a key out; everything else in the file stays as it is.
pub fn remove(path: &Path, id: &KeyId) -> Result<()> {
    change(path, |text| {
        let is_it = |line: &str| KeyRing::parse(line).is_ok_and(|ring| ring.active_id() == id);
        let kept: Vec<&str> = text.expose().split_inclusive('\n').filter(|line| !is_it(line)).collect();
        ensure!(kept.len() < text.expose().split_inclusive('\n').count(), "the key file {} holds no key {id}", path.display());
        Ok(KeyText::new(kept.concat()))
    })
}

/// A line of the file with a new key.
pub fn line(entropy: &dyn Entropy) -> Result<(KeyText, KeyId)> {
    let text = KeyText::new(STANDARD.encode(entropy.bytes::<32>()));
    let key: Key = text.expose().parse()?;
    Ok((KeyText::new(format!("{}:{}\n", key.id(), text.expose())), key.id()))
}

fn change(path: &Path, edit: impl FnOnce(&KeyText) -> Result<KeyText>) -> Result<()> {
    // A link to the file stays one.
    let path = fs::canonicalize(path).with_context(|| format!("the key file {} cannot be read", path.display()))?;
    let beside = beside(&path);
    let mut file = match private(&beside) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{} exists: another command is changing the keys, or one was killed while it did; if none runs, delete that file",
            beside.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be made", beside.display())),
    };
    let written = (|| {
        let text = read(&path)?.with_context(|| format!("the key file {} does not exist", path.display()))?;
        let next = edit(&text)?;
        // What is written must be a ring before it takes the place of one.
        KeyRing::parse(next.expose())?;
        file.write_all(next.expose().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        flush_folder(&path)
    })();
    if written.is_err() && beside.exists() {
        fs::remove_file(&beside).with_context(|| format!("{} cannot be removed", beside.display()))?;
    }
    written.with_context(|| format!("the key file {} could not be changed; it is as it was", path.display()))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// A file that nobody else may read, made now or not at all.
fn private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The name is on the disk too, not only the content.
fn flush_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("{} cannot be flushed", folder.display()))
}

#[cfg(test)]
mod tests {
    use testkit::SeededEntropy;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("greenroom-keys-{name}-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn keys_are_added_and_removed_and_everything_else_stays() {
        let folder = folder("change");
        let path = folder.join("greenroom.key");
        let entropy = SeededEntropy::new(1);
        // As the first releases made it: the key alone.
        let bare = STANDARD.encode(&[7_u8, 1, 2].repeat(11)[..32]);
        let mut file = private(&path).unwrap();
        file.write_all(format!("# made by hand\n{bare}").as_bytes()).unwrap();
        let first = KeyRing::parse(&bare).unwrap().active_id().clone();
        let added = add(&path, &entropy).unwrap();
        let ring = KeyRing::parse(read(&path).unwrap().unwrap().expose()).unwrap();
        assert_eq!(ring.ids().collect::<Vec<_>>(), [&first, &added]);
        assert_eq!(ring.newest_id(), &added);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);
        remove(&path, &first).unwrap();
        let text = read(&path).unwrap().unwrap();
        assert!(text.expose().starts_with("# made by hand\n") && !text.expose().contains(&bare));
        assert!(remove(&path, &first).is_err());
        // The last key is not taken out: a file without keys is no ring.
        let before = text.expose().to_owned();
        assert!(format!("{:#}", remove(&path, &added).unwrap_err()).contains("it is as it was"));
        assert_eq!(read(&path).unwrap().unwrap().expose(), before);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_change_that_was_killed_leaves_the_old_file_and_is_named() {
        let folder = folder("killed");
        let path = folder.join("greenroom.key");
        make(&path, &SeededEntropy::new(1)).unwrap();
        let before = fs::read(&path).unwrap();
        fs::write(beside(&path), "k1a2b3c4d:half").unwrap();
        let error = format!("{:#}", add(&path, &SeededEntropy::new(2)).unwrap_err());
        assert!(error.contains("delete that file"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_dir_all(folder).unwrap();
    }
}
