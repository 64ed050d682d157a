//! HTTPS in the binary: what a browser meets, how a renewed certificate is taken over, and what is refused at the start.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod common;

use std::{fs, time::Duration};

use common::{Scene, said};
use rcgen::{CertificateParams, KeyPair, generate_simple_self_signed};
use reqwest::{Certificate, Client, header, redirect::Policy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const STOP: Duration = Duration::from_secs(15);

/// Writes a new certificate for localhost with its key; its PEM text.
fn certify(scene: &Scene) -> String {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(scene.dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(scene.dir.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

/// A scene that serves HTTPS under the same port, and plain HTTP beside it on `plain`.
async fn https_scene(name: &str) -> (Scene, String) {
    let scene = Scene::new(name).await;
    let secure = scene.greenroom.replace("http://", "https://");
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let [cert, key] = ["cert.pem", "key.pem"].map(|file| scene.dir.join(file).to_str().unwrap().to_owned());
    let port = secure.rsplit(':').next().unwrap().to_owned();
    let redirect = format!("{secure}/api/oauth/callback/");
    scene.sim.with(|world, now| zoho_sim::seed_demo(world, vec![redirect.clone()], now));
    let scene = scene
        .with("GREENROOM_TLS_CERT", cert)
        .with("GREENROOM_TLS_KEY", key)
        .with("ZOHO_REDIRECT_URI", redirect)
        .with("GREENROOM_LISTEN", format!("127.0.0.1:{port}"))
        .with("GREENROOM_LISTEN_HTTP", plain.clone());
    (Scene { greenroom: secure, ..scene }, plain)
}

fn client(trusted: &str) -> Client {
    let root = Certificate::from_pem(trusted.as_bytes()).unwrap();
    Client::builder().tls_certs_only([root]).redirect(Policy::none()).timeout(Duration::from_secs(10)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_by_https_and_plain_requests_are_sent_there() {
    let (scene, plain) = https_scene("https-pages").await;
    let trusted = certify(&scene);
    let scene = Scene { client: client(&trusted), ..scene };
    let mut serving = scene.serve().await;

    let answer = scene.get("/login").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    let printed = serving.printed();
    assert!(printed.contains(&scene.greenroom), "{printed}");
    let path = printed[printed.find("/login/").unwrap()..].split_whitespace().next().unwrap().to_owned();
    let logged_in = scene.use_link(&path).await;
    let cookie = logged_in.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-greenroom=") && cookie.contains("; Secure"), "{cookie}");

    // A browser that still knows the old address, on the TLS port and on the plain one; whatever host it names.
    let authority = scene.greenroom.trim_start_matches("https://");
    for address in [authority, &plain] {
        let url = format!("http://{address}/c/abc?x=1");
        let sent_on = scene.client.post(&url).header(header::HOST, "evil.example.org").body("kept").send().await.unwrap();
        assert_eq!(sent_on.status(), 308, "{address}");
        assert_eq!(sent_on.headers()[header::LOCATION], format!("{}/c/abc?x=1", scene.greenroom));
    }

    // Somebody who connects and says nothing holds nobody up.
    let _silent = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    assert_eq!(scene.get("/healthz").await.status(), 200);
    let health = scene.run(&["healthcheck"], &[]).await;
    assert!(health.status.success(), "{}", said(&health));
    let (status, _) = serving.stop(STOP).await;
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let (scene, _) = https_scene("https-renewal").await;
    let first = certify(&scene);
    let scene = Scene { client: client(&first), ..scene };
    let serving = scene.serve().await;
    assert_eq!(scene.get("/healthz").await.status(), 200);

    fs::write(scene.dir.join("cert.pem"), "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    scene.until("the complaint", async || serving.log().contains("the one in use stays")).await;
    assert_eq!(scene.get("/healthz").await.status(), 200);

    let renewed = client(&certify(&scene));
    let url = format!("{}/healthz", scene.greenroom);
    scene.until("the renewed certificate", async || renewed.get(&url).send().await.is_ok()).await;
    // Connections that stand keep the old one; a new client that trusts only the old one is not let in.
    assert!(client(&first).get(&url).send().await.is_err());
    assert!(serving.log().contains("the renewed certificate is in use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_of_tls_are_refused() {
    let (scene, _) = https_scene("https-old").await;
    let trusted = certify(&scene);
    let scene = Scene { client: client(&trusted), ..scene };
    let _serving = scene.serve().await;
    // A ClientHello of TLS 1.0 with one old cipher suite (RFC 2246, section 7.4.1.2).
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let handshake: Vec<u8> = [&[1, 0, 0, length], &hello[..]].concat();
    let record: Vec<u8> = [&[22, 3, 1, 0, length + 4], &handshake[..]].concat();
    let mut stream = TcpStream::connect(
        scene.greenroom.trim_start_matches("https://localhost:").parse::<u16>().map(|port| ("127.0.0.1", port)).unwrap(),
    )
    .await
    .unwrap();
    stream.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert and nothing else: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_is_refused_with_a_sentence() {
    let (scene, _) = https_scene("https-refused").await;
    certify(&scene);
    let other = KeyPair::generate().unwrap();
    fs::write(scene.dir.join("key.pem"), other.serialize_pem()).unwrap();
    let refused = scene.run(&["serve"], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("does not belong to the certificate"), "{}", said(&refused));

    fs::write(
        scene.dir.join("cert.pem"),
        CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&other).unwrap().der(),
    )
    .unwrap();
    let refused = scene.run(&["serve"], &[]).await;
    assert!(said(&refused).contains("holds no certificate in PEM form"), "{}", said(&refused));
    assert!(!scene.database().exists(), "what cannot be served is found before anything is made");
}
