//! TLS to PostgreSQL: the server's certificate is verified, name included, before a password leaves. Needs a server with `ssl=on` and its
//! authority in `TEST_POSTGRES_CA`, as `cargo xtask test` starts it.

use std::path::Path;

use crate::common::options;

/// Host and port of the server, and the file of its authority.
#[expect(clippy::disallowed_methods, reason = "where `cargo xtask test` says that its server is")]
fn server() -> Option<(String, String)> {
    let (url, authority) = (std::env::var("GREENROOM_TEST_POSTGRES").ok()?, std::env::var("TEST_POSTGRES_CA").ok()?);
    Some((url.replace("127.0.0.1", "localhost"), authority))
}

async fn opened(url: &str) -> Result<(), String> {
    store::open(url, options()).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_server_that_proves_its_name_is_connected_to_and_no_other() {
    let Some((url, authority)) = server() else { return };
    let by_name = format!("{url}?sslmode=verify-full&sslrootcert={authority}");
    assert_eq!(opened(&by_name).await, Ok(()));

    let by_number = by_name.replace("localhost", "127.0.0.1");
    let refused = opened(&by_number).await.unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");

    // An authority nobody here knows: `require` verifies as well.
    let refused = opened(&format!("{url}?sslmode=require")).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named() {
    let Some((url, authority)) = server() else { return };
    let folder = Path::new(&authority).parent().unwrap();
    for (file, why) in [("none.crt", "none.crt"), ("log", "it holds no certificate")] {
        let path = folder.join(file);
        let refused = opened(&format!("{url}?sslmode=verify-full&sslrootcert={}", path.display())).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
