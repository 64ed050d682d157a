//! Backup files: what is in one comes back, and one that was changed anywhere is refused by name.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::Timestamp;
use greenroom::{
    backup::{Folder, Source, file, load},
    world::MachineClock,
};
use ports::{Backups, Change, Put, Store};
use store::{Afterwards, Database, Options};
use testkit::SeededEntropy;
use vault::{Key, KeyRing};

const AT: &str = "2026-11-24T02:15:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ring(id: &str, byte: u8) -> KeyRing {
    KeyRing::new(id.parse().unwrap(), Key::from_bytes([byte; 32]))
}

fn options() -> Options {
    Options::new(Arc::new(MachineClock), Arc::new(SeededEntropy::new(7)))
}

/// An installation with `settings` rows and nothing else, and the folder of its backups.
struct Scene {
    dir: PathBuf,
    source: Source,
    ring: KeyRing,
    folder: Folder,
}

impl Scene {
    async fn new(name: &str, settings: usize) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("backup-{name}"));
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        fs::create_dir_all(&dir).unwrap();
        let database = open(&dir.join("greenroom.db")).await;
        let puts = (0..settings).map(|n| Put::Setting(format!("key{n:05}"), format!("\"{}\"", "ä".repeat(400)))).collect();
        database.commit(Change { puts, ..Change::at(at(AT)) }).await.unwrap();
        let source = Source { database, installation: "ins_1".to_owned(), entropy: Arc::new(SeededEntropy::new(1)) };
        let folder = Folder::new(source.clone(), dir.join("backups"), 3).unwrap();
        Self { dir, source, ring: ring("k1", 1), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join("backups").join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.join("backups"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

async fn open(path: &Path) -> Arc<Database> {
    store::open(&format!("sqlite:{}", path.display()), options()).await.unwrap()
}

fn nothing() -> Afterwards {
    Afterwards { at: at(AT), settings: Vec::new(), end_sessions: false }
}

/// The text by which `bytes`, as a file, is refused. Panics if it is not.
fn refusal(path: &Path, bytes: &[u8], ring: &KeyRing) -> String {
    fs::write(path, bytes).unwrap();
    file::verify(path, ring).unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_back_and_its_header_tells_what_it_is() {
    let scene = Scene::new("whole", 300).await;
    let made = scene.folder.make(&scene.ring, at(AT)).await.unwrap();
    assert_eq!((made.name.as_str(), made.key_id.as_str()), ("greenroom-20261124T021500.000Z.backup", "k1"));
    assert_eq!((made.engine.as_str(), made.verified_at, made.rows), ("sqlite", Some(at(AT)), Some(300)));
    let path = scene.path(&made.name);
    assert_eq!(made.bytes, fs::metadata(&path).unwrap().len());
    assert!(made.bytes > 3 * 65_552, "several chunks: {}", made.bytes);
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"key00000"), "the content is sealed");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let header = file::header(&path).unwrap();
    assert_eq!((header.installation.as_str(), header.started_at, header.schema), ("ins_1", at(AT), store::newest_schema()));
    let target = scene.dir.join("restored.db");
    let loaded = load(&path, &scene.ring, &format!("sqlite:{}", target.display()), &options(), false, nothing()).await.unwrap();
    let restored = open(&target).await;
    assert_eq!(restored.count().await.unwrap(), loaded.dumped);
    assert_eq!(restored.setting("key00299").await.unwrap(), scene.source.database.setting("key00299").await.unwrap());
    // Two backups of the same content have nothing in common behind their first line.
    let again = scene.folder.make(&scene.ring, at("2026-11-24T02:15:01Z")).await.unwrap();
    let other = fs::read(scene.path(&again.name)).unwrap();
    assert_ne!(bytes[1_000..2_000], other[1_000..2_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_anywhere_is_refused_by_name() {
    let scene = Scene::new("flipped", 300).await;
    let made = scene.folder.make(&scene.ring, at(AT)).await.unwrap();
    let bytes = fs::read(scene.path(&made.name)).unwrap();
    let damaged = scene.path("damaged.backup");
    let length = u32::from_be_bytes(bytes[19..23].try_into().unwrap());
    let content = 23 + usize::try_from(length).unwrap() + 32;
    let header = 0..content + 20;
    // Every byte of the head, and 300 places all over the rest, by a generator of fixed seed.
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let spread = (0..300).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random).unwrap() % bytes.len()
    });
    let places: Vec<usize> = header.chain(spread).chain([bytes.len() - 1]).collect();
    assert!(places.len() > 500);
    let mut parts = std::collections::BTreeSet::new();
    for (turn, place) in places.into_iter().enumerate() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (turn % 8);
        let said = refusal(&damaged, &changed, &scene.ring);
        assert!(said.contains("damaged.backup"), "byte {place}: {said}");
        let part = said.split("damaged.backup, ").nth(1).unwrap().split([':', ' ']).next().unwrap().to_owned();
        let expected = if place < 19 {
            "first"
        } else if place < content {
            "header"
        } else {
            "chunk"
        };
        assert_eq!(part, expected, "byte {place}: {said}");
        if place >= content {
            let chunk = (place - content) / 65_552 + 1;
            assert!(said.contains(&format!("chunk {chunk}:")), "byte {place}: {said}");
        }
        parts.insert(part);
        if turn % 100 == 0 {
            let target = scene.dir.join("never.db");
            let url = format!("sqlite:{}", target.display());
            let refused = load(&damaged, &scene.ring, &url, &options(), false, nothing()).await.unwrap_err();
            assert_eq!(refused.to_string(), said, "a restore refuses it in the same words");
            assert!(!target.exists(), "and leaves nothing behind");
        }
    }
    assert_eq!(parts.len(), 3, "{parts:?}");
    assert_eq!(file::verify(&scene.path(&made.name), &scene.ring).unwrap().file.rows, Some(300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_swapped_glued_or_extended_is_refused() {
    let scene = Scene::new("cut", 300).await;
    let made = scene.folder.make(&scene.ring, at(AT)).await.unwrap();
    let other = scene.folder.make(&scene.ring, at("2026-11-24T02:15:01Z")).await.unwrap();
    let (bytes, other) = (fs::read(scene.path(&made.name)).unwrap(), fs::read(scene.path(&other.name)).unwrap());
    let length = u32::from_be_bytes(bytes[19..23].try_into().unwrap());
    let content = 23 + usize::try_from(length).unwrap() + 32;
    let chunk = |number: usize| content + number * 65_552..content + (number + 1) * 65_552;
    let damaged = scene.path("damaged.backup");
    for cut in
        [0, 10, 19, 22, 100, content - 1, content, content + 1, chunk(0).end, chunk(1).end, chunk(1).end + 7, bytes.len() - 1]
    {
        let said = refusal(&damaged, &bytes[..cut], &scene.ring);
        assert!(said.contains("damaged.backup"), "{cut} bytes: {said}");
    }
    let head = &bytes[..content];
    let rest = &bytes[chunk(1).end..];
    let (first, second) = (&bytes[chunk(0)], &bytes[chunk(1)]);
    for (what, changed) in [
        ("swapped", [head, second, first, rest].concat()),
        ("one left out", [head, first, rest].concat()),
        ("one twice", [head, first, first, second, rest].concat()),
        ("a chunk of another backup", [head, first, &other[chunk(1)], rest].concat()),
        ("the header of another backup", [&other[..content], first, second, rest].concat()),
        ("two glued", [bytes.as_slice(), other.as_slice()].concat()),
        ("the same twice", [bytes.as_slice(), bytes.as_slice()].concat()),
        ("extended by a byte", [bytes.as_slice(), b"\0"].concat()),
        ("extended by a chunk", [bytes.as_slice(), &vec![0; 65_552]].concat()),
    ] {
        let said = refusal(&damaged, &changed, &scene.ring);
        assert!(said.contains("damaged.backup, chunk"), "{what}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_is_lacking_is_named_and_another_of_its_name_does_not_open() {
    let scene = Scene::new("key", 3).await;
    let made = scene.folder.make(&scene.ring, at(AT)).await.unwrap();
    let path = scene.path(&made.name);
    let lacking = file::verify(&path, &ring("k2", 1)).unwrap_err().to_string();
    assert!(lacking.contains("`k1`") && lacking.contains("put that key back"), "{lacking}");
    let other = file::verify(&path, &ring("k1", 2)).unwrap_err().to_string();
    assert!(other.contains("now names another key"), "{other}");
    let mut rotated = ring("k2", 2);
    rotated.add("k1".parse().unwrap(), Key::from_bytes([1; 32])).unwrap();
    file::verify(&path, &rotated).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_go_when_a_new_one_is_whole_and_only_ours() {
    let scene = Scene::new("kept", 3).await;
    let stranger = Source { installation: "ins_2".to_owned(), ..scene.source.clone() };
    stranger.write(&scene.path("greenroom-20200101T000000Z.backup"), &scene.ring, at("2020-01-01T00:00:00Z")).await.unwrap();
    for day in 1..=5 {
        scene.folder.make(&scene.ring, at(&format!("2026-11-0{day}T02:15:00Z"))).await.unwrap();
    }
    let ours =
        ["greenroom-20261103T021500.000Z.backup", "greenroom-20261104T021500.000Z.backup", "greenroom-20261105T021500.000Z.backup"];
    assert_eq!(scene.names(), [&["greenroom-20200101T000000Z.backup"][..], &ours].concat());
    let listed: Vec<String> = scene.folder.list(&scene.ring).await.unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(listed, ours.iter().rev().map(|name| (*name).to_owned()).collect::<Vec<_>>());

    // No backup can be made: nothing is removed, and nothing that looks finished is left.
    let again = scene.folder.make(&scene.ring, at("2026-11-05T02:15:00Z")).await.unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
    fs::remove_file(scene.dir.join("greenroom.db")).unwrap();
    let failed = scene.folder.make(&scene.ring, at("2026-11-06T02:15:00Z")).await.unwrap_err();
    assert!(failed.to_string().contains("could not be read"), "{failed}");
    assert_eq!(scene.names().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_counts_and_leaves_no_scratch_database() {
    let scene = Scene::new("drill", 5).await;
    assert!(scene.folder.scratch(&scene.ring).await.unwrap().is_none());
    scene.folder.make(&scene.ring, at(AT)).await.unwrap();
    let scratch = scene.folder.scratch(&scene.ring).await.unwrap().unwrap();
    assert_eq!(scratch.found["settings"], 5);
    assert_eq!(scratch.said, scratch.found);
    assert!(scratch.store.setting("key00004").await.unwrap().is_some());
    assert_eq!(scene.names().len(), 2, "while it is looked at");
    drop(scratch);
    assert_eq!(scene.names().len(), 1);
    // A newest file that does not open is what a drill is there to find: the older one does not stand for it.
    fs::write(scene.path("greenroom-20271124T021500Z.backup"), "not a backup").unwrap();
    let failed = scene.folder.scratch(&scene.ring).await.err().unwrap();
    assert!(failed.to_string().contains("greenroom-20271124T021500Z.backup"), "{failed}");
    assert_eq!(scene.names().len(), 2);
}
