//! The server's certificate: read from two PEM files, and read again when they change, so that a renewal needs no restart. A renewal that
//! cannot be used leaves the one in use.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use domain::Timestamp;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_cert::{Certificate as X509, der::Decode};

/// A certificate chain with its key, in use by a server. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    chain_file: PathBuf,
    key_file: PathBuf,
    now: RwLock<Loaded>,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    ends_at: Timestamp,
    /// Of both files, as they were read.
    changed: [SystemTime; 2],
}

/// What looking at the files again found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// They are the same as before.
    Unchanged,
    /// The new certificate is in use.
    Replaced,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// Which file is wrong, and what is wrong with it.
    pub fn load(chain_file: &Path, key_file: &Path) -> Result<Self> {
        let loaded = load(chain_file, key_file)?;
        Ok(Self(Arc::new(Inner {
            chain_file: chain_file.to_path_buf(),
            key_file: key_file.to_path_buf(),
            now: RwLock::new(loaded),
        })))
    }

    /// When the certificate in use ends.
    pub fn ends_at(&self) -> Timestamp {
        self.0.now.read().unwrap_or_else(PoisonError::into_inner).ends_at
    }

    /// Reads the files again if they changed. On an error the certificate in use stays.
    pub fn reload(&self) -> Result<Reload> {
        let changed = changed(&self.0.chain_file, &self.0.key_file)?;
        if self.0.now.read().unwrap_or_else(PoisonError::into_inner).changed == changed {
            return Ok(Reload::Unchanged);
        }
        let loaded = load(&self.0.chain_file, &self.0.key_file)?;
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(Reload::Replaced)
    }

    /// For the server: TLS 1.2 and 1.3, HTTP/1.1, the certificate as it is at each handshake.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(self.clone());
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.now.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("chain_file", &self.0.chain_file)
            .field("ends_at", &self.ends_at())
            .finish_non_exhaustive()
    }
}

fn changed(chain_file: &Path, key_file: &Path) -> Result<[SystemTime; 2]> {
    let at = |file: &Path| {
        let read = fs::metadata(file).and_then(|metadata| metadata.modified());
        read.with_context(|| format!("{} cannot be read", file.display()))
    };
    Ok([at(chain_file)?, at(key_file)?])
}

fn load(chain_file: &Path, key_file: &Path) -> Result<Loaded> {
    // Before the reading: a file that is replaced meanwhile is seen as changed the next time.
    let changed = changed(chain_file, key_file)?;
    let named = |file: &Path, error: rustls::pki_types::pem::Error| anyhow::anyhow!("{}: {error}", file.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain_file)
        .map_err(|error| named(chain_file, error))?
        .collect::<Result<_, _>>()
        .map_err(|error| named(chain_file, error))?;
    let first = chain.first().with_context(|| format!("{} holds no certificate in PEM form", chain_file.display()))?;
    let ends_at = ends_at(first).with_context(|| format!("{} cannot be understood", chain_file.display()))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| named(key_file, error))?;
    let signing = ring::sign::any_supported_type(&key)
        .map_err(|error| anyhow::anyhow!("{} holds a key that cannot be used: {error}", key_file.display()))?;
    let certified = CertifiedKey::new(chain, signing);
    let matches = certified.keys_match();
    ensure!(
        matches.is_ok(),
        "the key in {} does not belong to the certificate in {}: put both of one certificate there",
        key_file.display(),
        chain_file.display()
    );
    Ok(Loaded { key: Arc::new(certified), ends_at, changed })
}

fn ends_at(certificate: &CertificateDer<'_>) -> Result<Timestamp> {
    let parsed = X509::from_der(certificate)?;
    let seconds = parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Ok(Timestamp::from_second(i64::try_from(seconds)?)?)
}
